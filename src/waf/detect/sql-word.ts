/** What the words of the SQL dialects mean to the grammar; all names lower-case. */

/** Codes of words that shape a statement. `plain` is everything else: a name, or prose. */
export const word = {
  plain: 0,
  select: 1,
  union: 2,
  from: 3,
  where: 4,
  group: 5,
  order: 6,
  by: 7,
  having: 8,
  limit: 9,
  procedure: 10,
  into: 11,
  all: 12,
  distinct: 13,
  not: 14,
  nullish: 15,
  truth: 16,
  like: 17,
  in: 18,
  is: 19,
  between: 20,
  case: 21,
  when: 22,
  branch: 23,
  if: 24,
  exists: 25,
  join: 26,
  as: 27,
  set: 28,
  values: 29,
  insert: 30,
  update: 31,
  delete: 32,
  drop: 33,
  create: 34,
  alter: 35,
  truncate: 36,
  exec: 37,
  declare: 38,
  shutdown: 39,
  waitfor: 40,
  replace: 41,
  grant: 42,
  begin: 43,
  callLike: 44,
  load: 45,
  backup: 46,
  object: 47,
  end: 48,
  table: 49,
  top: 50,
  collate: 51,
  div: 52,
  clause: 53,
  copy: 54,
  any: 55,
  except: 56,
  escape: 57,
  /** and, or, xor: their token kind is `logic`. */
  logic: 58,
} as const;

const spelled: Readonly<Record<string, number>> = {
  and: word.logic,
  or: word.logic,
  xor: word.logic,
  select: word.select,
  union: word.union,
  from: word.from,
  where: word.where,
  group: word.group,
  order: word.order,
  by: word.by,
  having: word.having,
  limit: word.limit,
  offset: word.limit,
  fetch: word.limit,
  procedure: word.procedure,
  into: word.into,
  all: word.all,
  any: word.any,
  some: word.any,
  binary: word.any,
  distinct: word.distinct,
  distinctrow: word.distinct,
  not: word.not,
  null: word.nullish,
  isnull: word.nullish,
  notnull: word.nullish,
  true: word.truth,
  false: word.truth,
  unknown: word.truth,
  like: word.like,
  ilike: word.like,
  rlike: word.like,
  regexp: word.like,
  glob: word.like,
  match: word.plain,
  similar: word.like,
  in: word.in,
  is: word.is,
  between: word.between,
  case: word.case,
  when: word.when,
  else: word.branch,
  if: word.if,
  iif: word.if,
  exists: word.exists,
  join: word.join,
  as: word.as,
  set: word.set,
  values: word.values,
  value: word.plain,
  insert: word.insert,
  update: word.update,
  delete: word.delete,
  drop: word.drop,
  create: word.create,
  alter: word.alter,
  rename: word.alter,
  truncate: word.truncate,
  exec: word.exec,
  execute: word.exec,
  declare: word.declare,
  shutdown: word.shutdown,
  waitfor: word.waitfor,
  replace: word.replace,
  merge: word.replace,
  grant: word.grant,
  revoke: word.grant,
  begin: word.begin,
  call: word.callLike,
  do: word.callLike,
  print: word.callLike,
  pragma: word.callLike,
  attach: word.load,
  load: word.load,
  bulk: word.load,
  handler: word.load,
  copy: word.copy,
  backup: word.backup,
  restore: word.backup,
  end: word.end,
  table: word.table,
  database: word.object,
  schema: word.object,
  view: word.object,
  index: word.object,
  user: word.object,
  login: word.object,
  role: word.object,
  function: word.object,
  trigger: word.object,
  sequence: word.object,
  tablespace: word.object,
  type: word.object,
  server: word.object,
  assembly: word.object,
  top: word.top,
  collate: word.collate,
  div: word.div,
  mod: word.div,
  asc: word.clause,
  desc: word.clause,
  for: word.clause,
  on: word.clause,
  using: word.clause,
  with: word.clause,
  returning: word.clause,
  window: word.clause,
  returns: word.clause,
  except: word.except,
  intersect: word.except,
  minus: word.except,
  escape: word.escape,
  to: word.clause,
  over: word.clause,
  left: word.clause,
  right: word.clause,
  inner: word.clause,
  outer: word.clause,
  cross: word.clause,
  natural: word.clause,
  current: word.clause,
  nowait: word.clause,
  default: word.clause,
};

const words: ReadonlyMap<string, number> = new Map([...Object.entries(spelled), ["then", word.branch]]);

/** Every word of the grammar with its code. */
export const wordNames: Iterable<readonly [string, number]> = words;

/** By the first two letters: a bit for each length that a word of the grammar has. */
const lengths: Int32Array = lengthsOf(words.keys());

/** The code of the word at an offset of a lower-case text: `logic` for and, or, xor. */
export function wordCode(lower: string, start: number, end: number): number {
  if (!mayBeNamed(lengths, lower, start, end)) return word.plain;
  return words.get(lower.slice(start, end)) ?? word.plain;
}

/** By the first two letters: a bit for each length, up to 31, that a name has. */
export function lengthsOf(names: Iterable<string>): Int32Array {
  const bits = new Int32Array(26 * 26);
  for (const name of names) bits[pairOf(name, 0)]! |= 1 << name.length;
  return bits;
}

/** Most words of a text are no name by their first letters and length, without a look at the rest. */
export function mayBeNamed(bits: Int32Array, lower: string, start: number, end: number): boolean {
  const length = end - start;
  const pair = pairOf(lower, start);
  return length > 1 && length < 32 && pair >= 0 && (bits[pair]! & (1 << length)) !== 0;
}

/** A number for the two letters at an offset; -1 when they are not two letters. */
function pairOf(lower: string, at: number): number {
  const first = lower.charCodeAt(at) - 0x61;
  const second = lower.charCodeAt(at + 1) - 0x61;
  return first >= 0 && first < 26 && second >= 0 && second < 26 ? first * 26 + second : -1;
}

/** What a function name means when a `(` follows it. */
export const call = {
  other: 0,
  /** Waits or burns time and has no other use in a query: unmistakable. */
  delay: 1,
  /** `sleep`: also a function of most programming languages. */
  sleep: 2,
  /** Names that only database products have, used to read files, run programs or leak through errors. */
  system: 3,
  /** Says who and what the server is. */
  identity: 4,
  /** Takes a text apart, or builds one: the letters of blind extraction. */
  probe: 5,
  /** Aggregates and conversions common in honest SQL too. */
  common: 6,
} as const;

const functions: ReadonlyMap<string, number> = new Map([
  ...kinded(call.delay, "pg_sleep pg_sleep_for pg_sleep_until benchmark randomblob zeroblob receive_message"),
  ...kinded(call.sleep, "sleep delay"),
  ...kinded(
    call.system,
    `extractvalue updatexml load_file xmltype lo_import lo_export lo_get lo_create pg_read_file pg_ls_dir
    pg_read_binary_file pg_stat_file pg_logdir_ls dblink dblink_connect query_to_xml database_to_xml
    table_to_xml current_setting set_config openrowset opendatasource openquery utl_http utl_inaddr
    sys_context ctxsys fn_varbintohexstr fn_xe_file_target_read_file fn_get_audit_file fn_trace_gettable
    sp_password sp_executesql sp_oacreate sp_oamethod sp_addextendedproc sp_makewebtask
    xp_cmdshell xp_regread xp_regwrite xp_dirtree xp_fileexist xp_servicecontrol xp_subdirs xp_availablemedia
    geometrycollection multipolygon multilinestring gtid_subset gtid_subtract name_const polygon multipoint
    linestring procedure_analyse make_set elt export_set load_extension
    dbms_pipe dbms_lock dbms_xmlgen dbms_xmlquery dbms_ldap dbms_java dbms_scheduler dbms_utility tz_offset
    bfilename to_timestamp_tz unistr sys_eval sys_exec master_pos_wait
    sqlite_compileoption_get is_srvrolemember is_member has_dbaccess has_perms_by_name suser_sname suser_name
    get_host_address getmappingxpath drithsx ordsys get_lock is_free_lock is_used_lock st_latfromgeohash
    st_longfromgeohash st_pointfromgeohash httpuritype dburitype query_to_xml_and_xmlschema database_to_xmlschema
    table_to_xmlschema pg_file_write pg_ls_logdir pg_ls_waldir pg_reload_conf lo_from_bytea lo_put dbms_xslprocessor
    fn_my_permissions pragma_table_info fts3_tokenizer xp_fixeddrives sp_adduser sp_configure sys_get`,
  ),
  ...kinded(
    call.identity,
    `version user database schema current_user session_user system_user current_database current_schema
    db_name db_id user_name user_id host_name servername last_insert_id connection_id object_id object_name
    col_name found_rows row_count sqlite_version current_catalog inet_server_addr inet_client_addr`,
  ),
  ...kinded(
    call.probe,
    `ascii ord mid substr substring char chr nchar unicode hex unhex bin conv conv_hex md5 sha1 sha2 crypt
    concat concat_ws group_concat string_agg array_to_string json_extract json_depth json_value
    json_keys row_to_json char_length character_length bit_length octet_length length len instr locate strcmp
    rpad lpad to_char rawtohex hextoraw xmlagg convert cast try_convert try_cast ifnull nullif nvl
    coalesce isnull row rand random exp floor count if iif case greatest least field
    quarter makeset mod bitand soundex likelihood likely unlikely typeof quote_literal json_array json_object
    to_number to_date decode encode aes_encrypt aes_decrypt compress uncompress like
    json_length json_type json_valid json_contains json_contains_path json_search json_overlaps json_quote json_unquote
    json_query json_exists json_array_length json_typeof json_extract_path json_extract_path_text json_build_object
    json_build_array json_storage_size json_schema_valid isjson jsonb_array_length jsonb_typeof jsonb_path_exists
    jsonb_path_match jsonb_path_query_first jsonb_extract_path jsonb_extract_path_text jsonb_build_object
    jsonb_build_array to_json to_jsonb starts_with find_in_set regexp_like regexp_matches regexp_instr regexp_substr regexp_count
    to_tsvector to_tsquery plainto_tsquery array_length array_position cardinality`,
  ),
  ...kinded(call.common, "lower upper trim ltrim rtrim max min sum avg now sysdate getdate date abs round"),
]);

/** What a lower-case name means as a function. */
export function callKind(lower: string): number {
  return functions.get(lower) ?? call.other;
}

const schemas: ReadonlySet<string> = new Set(
  split(`information_schema sysobjects syscolumns sysusers sysdatabases syslogins sysprocesses sysservers
    sysxlogins sysfiles pg_catalog pg_class pg_user pg_shadow pg_database pg_tables pg_authid pg_roles pg_stat_activity
    pg_namespace pg_attribute pg_proc pg_settings pg_ls_dir sqlite_master sqlite_schema sqlite_temp_master sqlite_temp_schema
    all_tables all_tab_columns all_users all_objects all_tab_cols all_views all_db_links all_col_comments
    user_tables user_tab_columns user_objects user_catalog user_users user_constraints user_tab_cols user_views
    user_role_privs user_sys_privs dba_users dba_tables dba_role_privs dba_sys_privs dba_tab_columns dba_objects
    dba_data_files v$version v$instance v$database v$parameter v$session v$process gv$instance sysibm syscat
    sysdummy1 systables sysstat msysobjects msysaccessobjects msysaces msysqueries msysmodules2 mysql.user
    mysql.db mysql.host mysql.proc innodb_table_stats innodb_index_stats performance_schema
    session_privs rdb$relations rdb$database rdb$fields rdb$relation_fields mon$attachments sysmaster
    master.sys master..sysdatabases sys.user$ sys.databases sys.tables sys.objects sys.columns sys.schemas
    sys.sql_logins sys.server_principals sys.configurations sys.syslogins product_component_version
    schema_table_statistics x$schema_table_statistics x$schema_flattened_keys schema_auto_increment_columns`),
);

/** The catalogues, lower-case. */
export const catalogueNames: Iterable<string> = schemas;

/** Whether a lower-case name (or `schema.table`) is a catalogue of a database product. */
export function isCatalogue(lower: string): boolean {
  return schemas.has(lower);
}

const types: ReadonlySet<string> = new Set(
  split(`int int2 int4 int8 integer bigint smallint tinyint numeric decimal float float4 float8 real double text
    varchar nvarchar char bpchar bytea bool boolean date timestamp timestamptz time interval json jsonb xml uuid
    inet cidr regclass regtype regproc oid money name bit varbit numrange signed unsigned`),
);

/** Whether a lower-case word is a column type that a cast can name. */
export function isType(lower: string): boolean {
  return types.has(lower);
}

function kinded(kind: number, names: string): [string, number][] {
  return split(names).map((name): [string, number] => [name, kind]);
}

function split(names: string): string[] {
  return names.split(/\s+/).filter((name) => name !== "");
}
