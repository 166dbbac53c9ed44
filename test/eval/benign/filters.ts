import { scripted } from "./browser.ts";
import { encodePairs, form, get, json, looseQuery, query, send, type Template, texts } from "./template.ts";

const queries = texts("queries");
const starting = (words: RegExp): readonly string[] => queries.filter((one) => words.test(one));
const jql = starting(/^(?:project|text ~|issuetype)/);
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
