import { scripted } from "./browser.ts";
import { encodePairs, form, get, json, looseQuery, query, send, type Template, texts } from "./template.ts";

const queries = texts("queries");
const starting = (words: RegExp): readonly string[] => queries.filter((one) => words.test(one));
const prom = starting(/^(?:sum\(rate|histogram|100 -|topk)/);
const logql = starting(/^(?:\{namespace|sum by \(status\))/);
const jql = starting(/^(?:project|text ~|issuetype)/);
const lucene = starting(/^(?:title:|response|_exists_)/);
const odata = starting(/^(?:name eq|Category|CreatedDate)/);

/** Query languages that APIs take in the open. */
export const filters: readonly Template[] = [
  {
    name: "any-get",
    make: (d) =>
      get(
        `/api/items?${query([
          ["q", d.turn(queries)],
          ["limit", "50"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "any-form",
    make: (d) =>
      form(
        "/search/jobs",
        [
          ["search", d.turn(queries)],
          ["earliest_time", "-24h@h"],
          ["output_mode", "json"],
        ],
        scripted(d),
      ),
  },
  {
    name: "any-json",
    make: (d) =>
      json(
        "POST",
        "/api/query",
        { query: queries[(d.round + 9) % queries.length], from: "now-1h", to: "now" },
        scripted(d),
      ),
  },
  {
    name: "any-loose",
    make: (d) =>
      get(`/explore?${looseQuery([["expr", queries[(d.round + 15) % queries.length]!]])}`, scripted(d)),
  },
  {
    name: "prometheus-get",
    make: (d) =>
      get(
        `/api/v1/query_range?${encodePairs([
          ["query", d.turn(prom)],
          ["start", "1741079553.123"],
          ["end", "1741083153.123"],
          ["step", "15"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "prometheus-post",
    make: (d) =>
      form(
        "/api/v1/query",
        [
          ["query", d.turn(prom)],
          ["time", d.digits(10)],
        ],
        [["User-Agent", "Grafana/11.1.0"]],
      ),
  },
  {
    name: "prometheus-series",
    make: (d) =>
      get(
        `/api/v1/series?${encodePairs([
          ["match[]", '{__name__=~"job:.*|up",instance!=""}'],
          ["match[]", `up{job="o'brien-${d.int(1, 9)}"}`],
        ])}`,
      ),
  },
  {
    name: "loki",
    make: (d) =>
      get(
        `/loki/api/v1/query_range?${query([
          ["query", d.turn(logql)],
          ["limit", "1000"],
          ["direction", "BACKWARD"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "grafana-ds",
    make: (d) =>
      json(
        "POST",
        "/api/ds/query?ds_type=prometheus&requestId=Q100",
        {
          queries: [
            {
              refId: "A",
              datasource: { type: "prometheus", uid: d.token(9) },
              expr: d.turn(prom),
              legendFormat: "{{instance}} – {{le}}",
              intervalMs: 15000,
              maxDataPoints: d.int(100, 2000),
            },
          ],
          from: String(d.timeMs()),
          to: "now",
        },
        scripted(d, [["x-grafana-org-id", "1"]]),
      ),
  },
  {
    name: "grafana-dashboard",
    make: (d) =>
      json(
        "POST",
        "/api/dashboards/db",
        {
          dashboard: {
            title: 'It\'s "prod" & more',
            panels: prom.map((expr, id) => ({
              id,
              type: "timeseries",
              targets: [{ expr }],
              fieldConfig: {
                defaults: {
                  unit: "ms",
                  thresholds: {
                    steps: [
                      { color: "green", value: null },
                      { color: "red", value: 80 },
                    ],
                  },
                },
              },
              links: [{ url: "/d/x?var-host=${__field.labels.host}&from=${__from}" }],
            })),
            templating: {
              list: [
                { name: "ns", query: "label_values(kube_pod_info, namespace)", regex: "/^(?!kube-).*$/" },
              ],
            },
          },
          overwrite: d.round % 2 === 0,
        },
        scripted(d),
      ),
  },
  {
    name: "jira-search",
    make: (d) =>
      get(
        `/rest/api/3/search?${encodePairs([
          ["jql", d.turn(jql)],
          ["fields", "*all,-comment"],
          ["maxResults", "50"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "jira-post",
    make: (d) =>
      json("POST", "/rest/api/2/search", {
        jql: d.turn(jql),
        startAt: 0,
        fields: ["summary", "status"],
        expand: ["names"],
      }),
  },
  {
    name: "confluence-cql",
    make: (d) =>
      get(
        `/wiki/rest/api/search?${query([
          [
            "cql",
            `siteSearch ~ "o'brien's notes" and space in ("DEV","OPS") and type in (page,blogpost) and lastmodified > now("-4w") order by lastmodified desc`,
          ],
          ["limit", String(d.int(1, 50))],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "odata-get",
    make: (d) =>
      get(
        `/odata/v4/Products?${looseQuery([
          ["$filter", d.turn(odata)],
          ["$select", "ID,Name,Price"],
          ["$expand", "Category($select=Name;$filter=Active eq true),Orders($top=5;$orderby=Date desc)"],
          ["$orderby", "Name desc"],
          ["$top", "20"],
          ["$count", "true"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "odata-encoded",
    make: (d) =>
      get(
        `/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner?${query([
          ["$filter", d.turn(odata)],
          ["$search", '"blue mountain" AND NOT bike OR O\'Neill'],
          ["$format", "json"],
        ])}`,
      ),
  },
  {
    name: "odata-key",
    make: (d) => get(`/odata/Products('O''Neil%20%26%20Sons')/Default.Rate(stars=${d.int(1, 5)})/$value`),
  },
  {
    name: "odata-batch",
    make: (d) =>
      send(
        "POST",
        "/odata/$batch",
        "multipart/mixed; boundary=batch_1",
        `--batch_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET Products?$filter=${encodeURIComponent(d.turn(odata))}&$top=10 HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--batch_1--\r\n`,
        [["OData-Version", "4.0"]],
      ),
  },
  {
    name: "json-api",
    make: (d) =>
      get(
        `/articles?${looseQuery([
          ["include", "author,comments.author"],
          ["fields[articles]", "title,body"],
          ["filter[title][like]", "%O'Neill%"],
          ["filter[age][gt]", String(d.int(1, 99))],
          ["filter[or][0][a]", "1"],
          ["sort", "-created,title"],
          ["page[number]", "1"],
        ])}`,
        [["Accept", "application/vnd.api+json"]],
      ),
  },
  {
    name: "json-api-patch",
    make: (d) =>
      send(
        "PATCH",
        `/articles/${d.int(1, 99)}`,
        "application/vnd.api+json",
        JSON.stringify({
          data: {
            type: "articles",
            id: "1",
            attributes: { title: 'It\'s <new> & "shiny"', body: d.turn(texts("prose")) },
            relationships: { author: { data: { type: "people", id: "9" } } },
          },
        }),
      ),
  },
  {
    name: "strapi",
    make: (d) =>
      get(
        `/api/restaurants?${looseQuery([
          ["filters[$or][0][name][$containsi]", "O'Neill"],
          ["filters[$or][1][stars][$gte]", String(d.int(1, 5))],
          ["filters[deletedAt][$null]", "true"],
          ["populate[0]", "chef.name"],
          ["pagination[pageSize]", "10"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "postgrest",
    make: (d) =>
      get(
        `/rest/v1/people?select=id,full_name:name,orders(total)&or=(age.gte.${d.int(1, 30)},and(name.ilike.*o'brien*,not.active.is.null))&order=name.desc.nullslast&id=in.(1,2,3)`,
        [
          ["apikey", d.token(40)],
          ["Prefer", "count=exact"],
        ],
      ),
  },
  {
    name: "elasticsearch",
    make: (d) =>
      json("POST", "/products/_search?track_total_hits=true&filter_path=hits.hits._source", {
        query: {
          bool: {
            must: [
              { match_phrase: { title: "o'neill wetsuit" } },
              { query_string: { query: d.turn(lucene), default_operator: "AND" } },
            ],
            filter: [{ range: { price: { gte: 10, lte: "100||/d" } } }, { term: { "brand.keyword": "H&M" } }],
            must_not: [{ exists: { field: "deleted_at" } }],
          },
        },
        aggs: {
          by_day: {
            date_histogram: { field: "@timestamp", calendar_interval: "1d", time_zone: "Europe/Berlin" },
          },
        },
        highlight: { pre_tags: ["<em>"], post_tags: ["</em>"], fields: { title: {} } },
        sort: [{ _score: "desc" }],
      }),
  },
  {
    name: "elasticsearch-script",
    make: (d) =>
      json("POST", "/logs/_update_by_query?conflicts=proceed", {
        script: {
          source: "ctx._source.count += params.n; if (ctx._source.tags == null) { ctx._source.tags = [] }",
          lang: "painless",
          params: { n: d.int(1, 9) },
        },
        query: { match_all: {} },
      }),
  },
  {
    name: "msearch",
    make: (d) =>
      send(
        "POST",
        "/_msearch",
        "application/x-ndjson",
        `{"index":"a","preference":"${d.hex(8)}"}\n${JSON.stringify({ query: { query_string: { query: d.turn(lucene) } } })}\n{}\n{"query":{"match_all":{}}}\n`,
      ),
  },
  {
    name: "kibana-url",
    make: (d) =>
      get(
        `/app/discover?_g=(filters:!(),refreshInterval:(pause:!t,value:60000),time:(from:now-24h%2Fh,to:now))&_a=(columns:!(message,'host.name'),filters:!(('$state':(store:appState),meta:(alias:!n,disabled:!f,key:response,negate:!f,params:(query:'404'),type:phrase),query:(match_phrase:(response:'404')))),index:'${d.uuid()}',query:(language:kuery,query:'url.path:%20%22%2Fapi%2F*%22%20and%20not%20status:%20200'),sort:!(!('@timestamp',desc)))`,
        scripted(d),
      ),
  },
  {
    name: "kibana-bsearch",
    make: (d) =>
      json(
        "POST",
        "/internal/bsearch?compress=true",
        {
          batch: [
            {
              request: {
                params: {
                  index: "logs-*",
                  body: {
                    query: {
                      bool: {
                        filter: [
                          {
                            multi_match: {
                              type: "best_fields",
                              query: "can't connect; retrying",
                              lenient: true,
                            },
                          },
                        ],
                      },
                    },
                    script_fields: {},
                    runtime_mappings: {
                      hour: { type: "long", script: { source: "emit(doc['@timestamp'].value.getHour());" } },
                    },
                  },
                },
              },
              options: { sessionId: d.uuid(), strategy: "ese" },
            },
          ],
        },
        scripted(d, [["kbn-xsrf", "true"]]),
      ),
  },
  {
    name: "solr",
    make: (d) =>
      get(
        `/solr/core/select?${looseQuery([
          ["q", 'title:"it\'s"~2^4 AND (cat:books OR cat:cd) -sold:true'],
          ["fq", "{!tag=p}price:[10 TO 100}"],
          ["fq", "{!geofilt sfield=loc pt=52.5,13.4 d=5}"],
          ["fl", "id,score,*_s"],
          ["facet.query", `popularity:[${d.int(1, 9)} TO *]`],
          ["sort", "score desc,price asc"],
          ["wt", "json"],
        ])}`,
      ),
  },
  {
    name: "algolia",
    make: (d) =>
      json(
        "POST",
        `/1/indexes/*/queries?x-algolia-agent=${encodeURIComponent("Algolia for JavaScript (4.24.0); Browser (lite); instantsearch.js (4.73.1)")}&x-algolia-api-key=${d.hex(32)}`,
        {
          requests: [
            {
              indexName: "prod",
              params: encodePairs([
                ["query", "o'neill <3"],
                ["facets", '["*"]'],
                ["filters", "price > 10 AND (brand:'H&M' OR brand:\"Levi's\") AND NOT sold:true"],
                ["numericFilters", '[["price>=10"]]'],
                ["highlightPreTag", "<mark>"],
                ["highlightPostTag", "</mark>"],
              ]),
            },
          ],
        },
        scripted(d),
      ),
  },
  {
    name: "github-search",
    make: (d) =>
      get(
        `/search/issues?${encodePairs([
          ["q", starting(/^(?:is:open|path:)/)[d.round % 2]!],
          ["type", "issues"],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "mail-search",
    make: (d) =>
      get(
        `/mail/u/0/search?${query([
          ["q", starting(/^from:bob/)[0]!],
          ["page", String(d.int(1, 9))],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "ldap-lookup",
    make: (d) =>
      get(
        `/api/directory?${query([
          ["cn", "O'Brien, Conan (ext.)"],
          ["base", "ou=People,dc=example,dc=com"],
          ["scope", "sub"],
          ["max", String(d.int(1, 99))],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "spreadsheet",
    make: (d) =>
      json("PUT", `/v4/spreadsheets/${d.base64url(33)}/values/Sheet1!A1:D5?valueInputOption=USER_ENTERED`, {
        range: "'O''Brien'!A1:D5",
        values: [
          ["Item", "Cost"],
          ["Wheel", "$20.50"],
          ["Total", "=SUM(B2:B4)*(1+$C$1)"],
          ["", '=IF(A1>10,"yes","it\'s "&B2)'],
          [
            "=VLOOKUP(A2,Sheet2!$A:$B,2,FALSE)",
            '=IFERROR(QUERY(A:C,"select A, sum(C) where B > 10 group by A"),"")',
          ],
        ],
      }),
  },
  {
    name: "workflow-rule",
    make: (d) =>
      json(
        "POST",
        "/api/rules",
        {
          name: "it's late",
          when: "ticket.priority >= 3 && (ticket.tags contains 'vip' || customer.plan == \"gold\")",
          actions: [{ action: "assign", to: "team:R&D" }],
          cron: "*/5 9-17 * * 1-5",
          regex: "^(?:\\+49|0)\\s?[1-9]\\d{1,4}$",
          id: d.int(1, 99),
        },
        scripted(d),
      ),
  },
  {
    name: "json-path",
    make: (d) =>
      json(
        "POST",
        "/api/extract",
        {
          path: starting(/^\$\./)[0],
          jq: ".items[] | select(.price > 10) | {name, p: (.price * 1.19)}",
          xpath: "//div[@class='price']/span[1]/text()",
          css: "ul > li:nth-child(2n+1) a[href^='https']",
          n: d.int(1, 9),
        },
        scripted(d),
      ),
  },
];
