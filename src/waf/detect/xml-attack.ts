import type { Detector, Subject } from "../detection.ts";
import { detectorsOf, type LinearPattern } from "./linear-pattern.ts";

/** XML that makes its reader fetch, expand or run something: entities, XInclude, XSLT extensions, data islands. */

const PATTERNS: readonly LinearPattern[] = [
  {
    kind: "xml-attack.external_entity",
    needs: ["<!entity"],
    pattern:
      /<!entity\s{1,40}(?:(?:%|&#(?:37|x25);)\s{1,40})?[^\s"'<>]{1,80}\s{1,40}(?:system|public)\s{0,40}["']/g,
  },
  {
    kind: "xml-attack.parameter_entity",
    needs: ["<!entity"],
    pattern: /<!entity\s{1,40}(?:%|&#(?:37|x25);)\s{1,40}[^\s"'<>]{1,80}\s{1,40}["']/g,
  },
  {
    kind: "xml-attack.internal_entity",
    needs: ["<!entity"],
    pattern: /<!entity\s{1,40}[^\s"'<>%&]{1,80}\s{1,40}(["'])/g,
    accept: isNoNamespaceShorthand,
  },
  {
    kind: "xml-attack.external_doctype",
    needs: ["<!doctype"],
    pattern:
      /<!doctype\s{1,40}[^\s"'<>[]{1,80}\s{1,40}(?:system\s{1,40}|public\s{1,40}["'][^"']{0,120}["']\s{1,40})["'](?:file:|ftp:|gopher:|jar:|netdoc:|php:|expect:|data:|https?:|\\\\|\/\/)/g,
    accept: isUnknownDtd,
  },
  {
    kind: "xml-attack.element_declaration",
    needs: ["<!element"],
    pattern: /<!element\s{1,40}[^\s"'<>]{1,80}\s{1,40}(?:any|empty|\()/g,
    accept: (_match, subject) => subject.lower.includes("<!entity") || subject.lower.includes("<!doctype"),
  },
  {
    kind: "xml-attack.xinclude",
    needs: ["include"],
    pattern: /<(?:[a-z]{1,12}:)?include\s[^<>]{0,240}?\bhref\s{0,4}=|http:\/\/www\.w3\.org\/2001\/xinclude/g,
    accept: (match, subject) =>
      // A part of the same message (MTOM).
      /^<xop:include\s[^<>]*?\bhref\s{0,4}=$/.test(match[0]) && isPartOfMessage(match, subject)
        ? false
        : match[0].startsWith("http")
          ? subject.lower.includes("include")
          : /xinclude|file:|https?:|\/etc\/|\bparse\s{0,4}=/.test(subject.lower),
  },
  {
    kind: "xml-attack.xinclude",
    needs: ["<xsl:i"],
    pattern:
      /<xsl:(?:import|include)\s[^<>]{0,80}?\bhref\s{0,4}=\s{0,4}["']\s{0,4}(?:[a-z]{2,8}:|\/\/|\/(?:etc|proc|tmp|var)\/|\\\\)/g,
  },
  {
    // xs:include has no namespace of its own to include.
    kind: "xml-attack.xinclude",
    needs: ["include"],
    pattern: /<xsd?:include\s[^<>]{0,120}?\bnamespace\s{0,4}=/g,
  },
  {
    // xsi:schemaLocation lists pairs of a namespace and an address: one address alone is only there to be fetched.
    kind: "xml-attack.schema_location",
    needs: ["schemalocation"],
    pattern: /[\s:]schemalocation\s{0,4}=\s{0,4}["']\s{0,4}(?:https?|ftp|file|jar):[^\s"'<>]{1,200}["']/g,
    accept: (match, { lower }) =>
      !/^<?\/?xsd?:/.test(lower) &&
      !/<xsd?:[^<>]{0,200}$/.test(lower.slice(Math.max(0, match.index - 220), match.index + 1)),
  },
  {
    kind: "xml-attack.element_declaration",
    needs: ["<!attlist", "<!notation"],
    pattern:
      /<!(?:attlist\s{1,20}[^\s"'<>]{1,60}\s{1,20}[^\s"'<>]{1,60}\s{1,20}(?:cdata|id|idrefs?|nmtokens?|entity|entities|\()|notation\s{1,20}[^\s"'<>]{1,60}\s{1,20}(?:system|public)\s{1,20}["'])/g,
    accept: (_match, { lower }) => lower.includes("<!doctype") || lower.includes("<!entity"),
  },
  {
    kind: "xml-attack.parameter_entity",
    needs: ["<!doctype"],
    pattern: /<!doctype\s{1,20}[^\s"'<>[]{1,60}\s{0,20}\[\s{0,20}%[a-z][\w.-]{0,40};/g,
  },
  {
    // Nothing but a reference that HTML does not know: a probe for an entity of the document.
    kind: "xml-attack.custom_entity",
    needs: [
      "xxe;",
      "ext;",
      "foo;",
      "bar;",
      "dtd;",
      "file;",
      "test;",
      "payload;",
      "evil;",
      "send;",
      "remote;",
      "entity;",
      "lol",
    ],
    pattern:
      /^\s{0,4}[&%](?:[\w.-]{0,20}(?:xxe|dtd|payload|evil|entity)[\w.-]{0,20}|ext|foo|bar|file|test|send|remote|lol\d{0,2});\s{0,4}$/g,
  },
  {
    kind: "xml-attack.xslt_extension",
    needs: [
      "xmlns:",
      "php:function",
      "msxsl:script",
      "xalan:script",
      "lxslt:script",
      "saxon:script",
      "document(",
      "document (",
      "unparsed-text",
      "doc(",
      "system-property",
      "exsl:document",
      "redirect:write",
      "result-document",
    ],
    pattern:
      /xmlns:\w{1,20}\s{0,4}=\s{0,4}["'](?:http:\/\/php\.net\/xsl|urn:schemas-microsoft-com:xslt|http:\/\/xml\.apache\.org\/(?:xalan|xslt)\/java|http:\/\/saxon\.sf\.net\/java-type|java:|xalan:\/\/java|http:\/\/www\.jclark\.com\/xt\/java|clitype:|http:\/\/icl\.com\/saxon)|\bphp:function(?:string)?\s{0,4}\(|<(?:msxsl:script|xalan:script|lxslt:script|saxon:script)|\b(?:document|unparsed-text|doc)\s{0,4}\(\s{0,4}["'](?:file:|https?:|ftp:|\/(?:etc|proc|var|root|home)\/|[a-z]:[\\/])|\bsystem-property\s{0,4}\(\s{0,4}["'](?:xsl|java|user|os)[:.]|<(?:exsl|redirect|xsl):(?:document|write|result-document)\s{1,20}[^<>]{0,60}\b(?:href|file)\s{0,4}=/g,
  },
  {
    // A CDATA section around a lone bracket shows the brackets only to the application behind the XML parser.
    kind: "xml-attack.cdata_markup",
    needs: ["<![cdata["],
    pattern:
      /<!\[cdata\[\s{0,8}(?:[<>]\/?\s{0,8}\]\]>|<\s{0,4}\/?\s{0,4}(?:script|iframe|svg|object|embed|img|body)\b|['"]\s{0,8}(?:or|and|union|;|\|\|)\b)/g,
  },
  {
    kind: "xml-attack.data_island",
    needs: ["<?import", "<xml", "datasrc"],
    pattern:
      /<\?import\s{1,20}[^<>?]{0,80}\b(?:namespace|implementation)\s{0,4}=|<xml\s{1,20}[^<>]{0,60}\b(?:src|id)\s{0,4}=|\bdatasrc\s{0,4}=\s{0,4}["']?#/g,
  },
  {
    kind: "xml-attack.remote_procedure",
    needs: ["<methodname>"],
    pattern:
      /<methodname>\s{0,20}(?:pingback\.ping|system\.(?:multicall|listmethods|methodsignature|methodhelp)|demo\.\w{1,40}|wp\.getusersblogs|wp\.getauthors|examples\.\w{1,40}|mt\.\w{1,40}|metaweblog\.\w{1,40}|blogger\.\w{1,40})\s{0,20}<\/methodname>/g,
  },
  {
    kind: "xml-attack.encoding_trick",
    needs: ["<?xml"],
    pattern:
      /<\?xml\s{1,20}[^<>?]{0,60}encoding\s{0,4}=\s{0,4}["'](?:utf-7|ibm037|cp037|ebcdic|utf-32|ucs-4|iso-10646-ucs-4|utf7)/g,
  },
  {
    kind: "xml-attack.schema_location",
    needs: ["schemalocation"],
    pattern:
      /\b(?:nonamespaceschemalocation|schemalocation)\s{0,4}=\s{0,4}["'][^"'<>]{0,200}(?:file:|gopher:|jar:|netdoc:|127\.0\.0\.1|localhost|169\.254\.|\/etc\/|burpcollaborator|oast\.|interact\.sh)/g,
  },
  {
    // A declaration with nothing behind it, or an element with nothing in it: sent to see whether something parses it.
    kind: "xml-attack.empty_document",
    needs: ["<?xml"],
    pattern:
      /^\s{0,20}<\?xml\s{1,20}[^<>?]{0,100}\?>\s{0,20}(?:<[a-z][\w.:-]{0,60}>\s{0,20}<\/[a-z][\w.:-]{0,60}>\s{0,20})?$/g,
  },
  {
    kind: "xml-attack.document_in_value",
    needs: ["<?xml"],
    pattern: /^\s{0,20}(?:\xef\xbb\xbf)?<\?xml\s{1,20}[^<>?]{0,100}\?>\s{0,200}(?:<([a-z][\w.:-]{0,60})|$)/g,
    accept: (match) => match[1] === undefined || !EVERYDAY_ROOTS.test(match[1]),
  },
  {
    kind: "xml-attack.custom_entity",
    needs: [";</", "; </", ";\n"],
    pattern: /<[a-z][\w.:-]{0,60}>\s{0,20}[^<>&]{0,80}&([a-z][\w.-]{0,40});;?\s{0,4}<\//g,
    accept: (match) => !HTML_ENTITY.test(match[1]!),
  },
];

/** `href="cid:…"` */
function isPartOfMessage(match: RegExpExecArray, { lower }: Subject): boolean {
  const at = match.index + match[0].length;
  return /^\s{0,4}["']cid:/.test(lower.slice(at, at + 12));
}

/** Kinds of document that programs send as text in forms, JSON and data: URLs. */
const EVERYDAY_ROOTS =
  /^(?:svg(?::svg)?|html|plist|kml|gpx|rss|feed|opml|urlset|sitemapindex|tcx|trainingcenterdatabase|musicxml|score-partwise|bpmn2?:definitions|definitions|mxfile|mxgraphmodel|xliff|resources|project|configuration|settings|manifest|office:document|w:document|worksheet|workbook|types|relationships|package|x:xmpmeta|xmp|rdf:rdf|soapenv:envelope|soap:envelope|soap-env:envelope|s:envelope|samlp?2?p?:\w+|md:\w+|saml2?:\w+|xs:schema|xsd:schema|schema|collada|testsuites?|checkstyle|coverage|cml|sbml|tt|smil|vast|vmap|mpd|smoothstreamingmedia|mei|tei|article|book|invoice|ubl:\w+|document|multistatus|d:\w+|c:\w+|a:\w+|cas:\w+)$/;

/** Named references that HTML knows: letters with diacritics, Greek, arrows, quotes: by their endings and a list. */
const HTML_ENTITY =
  /^(?:amp|lt|gt|quot|apos|nbsp|copy|reg|trade|hellip|[mn]dash|[lr]s?d?quo|[lrsb]{1,2}quo|bull|middot|euro|pound|yen|cent|sect|para|deg|plusmn|times|divide|frac\d\d|sup\d|ord[fm]|micro|not|shy|macr|uml|acute|cedil|laquo|raquo|iexcl|iquest|curren|brvbar|szlig|aelig|oelig|eth|thorn|[a-z](?:acute|grave|circ|uml|tilde|ring|cedil|slash|caron)|alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigmaf?|tau|upsilon|phi|chi|psi|omega|[lrudh]arr|infin|ne|le|ge|asymp|equiv|sum|prod|minus|radic|part|int|cap|cup|sub|sup|sube|supe|nsub|isin|notin|ni|and|or|forall|exist|empty|nabla|prime|oline|spades|clubs|hearts|diams|thinsp|ensp|emsp|zwnj|zwj|lrm|rlm|dagger|permil|lsaquo|rsaquo|tilde|circ|fnof|loz|lang|rang|check|star|phone|num|excl|dollar|percnt|lpar|rpar|ast|plus|comma|period|sol|colon|semi|equals|quest|commat|lsqb|rsqb|bsol|hat|lowbar|lbrace|rbrace|vert|lbrack|rbrack|newline|tab)$/;

const KINDS = {
  "xml-attack.external_entity": "an entity whose text is fetched from a file or address",
  "xml-attack.parameter_entity": "a parameter entity, the building block of blind XXE",
  "xml-attack.internal_entity": "an entity declared in the document, as in expansion bombs and probes",
  "xml-attack.external_doctype": "a document type fetched from an unknown address",
  "xml-attack.element_declaration": "an element declaration inside a document",
  "xml-attack.xinclude": "an inclusion of another file",
  "xml-attack.xslt_extension": "a stylesheet that calls functions, reads files or reveals the system",
  "xml-attack.cdata_markup": "markup hidden in CDATA sections",
  "xml-attack.data_island": "XML data islands and imports that old browsers run",
  "xml-attack.remote_procedure": "an XML-RPC call that multiplies requests or lists methods",
  "xml-attack.encoding_trick": "an encoding that hides the document from inspection",
  "xml-attack.schema_location": "a schema fetched from inside or from a file",
  "xml-attack.empty_document": "an XML declaration with nothing behind it, or with one empty element",
  "xml-attack.document_in_value": "a whole XML document of an unusual kind in one value",
  "xml-attack.custom_entity": "a reference to an entity that HTML does not know",
} as const;

export const xmlAttack: readonly Detector[] = detectorsOf(KINDS, PATTERNS);

/** Drawing programs declare namespace addresses as entities of their SVG files. */
function isNoNamespaceShorthand(match: RegExpExecArray, { lower }: Subject): boolean {
  const value = lower.slice(match.index + match[0].length, match.index + match[0].length + 30);
  return !/^(?:http:\/\/ns\.|http:\/\/www\.w3\.org\/|&#?\w{1,10};["'])/.test(value);
}

const KNOWN_DTD =
  /["'](?:https?:)?\/\/(?:[\w-]{1,40}\.){0,3}(?:w3\.org|apple\.com|oasis-open\.org|sun\.com|oracle\.com|java\.net|hibernate\.org|mybatis\.org|apache\.org|springframework\.org|jboss\.org|checkstyle\.org|puppycrawl\.com|musicxml\.org|docbook\.org|daisy\.org|openmobilealliance\.org|wapforum\.org|netscape\.com|wikipedia\.org|jetbrains\.com|python\.org|ibm\.com|microsoft\.com|idpf\.org|loc\.gov|nih\.gov|struts\.apache\.org)\//;

function isUnknownDtd(match: RegExpExecArray, { lower }: Subject): boolean {
  return !KNOWN_DTD.test(lower.slice(match.index, match.index + match[0].length + 80));
}
