import { scripted } from "./browser.ts";
import { encodePairs, form, get, json, query, send, type Template, texts } from "./template.ts";

const starting = (words: RegExp): readonly string[] => texts("queries").filter((one) => words.test(one));
const prom = starting(/^(?:sum\(rate|histogram|100 -|topk)/);
const logql = starting(/^(?:\{namespace|sum by \(status\))/);
const lucene = starting(/^(?:title:|response|_exists_)/);

/** Dashboards and log searches. */
export const monitoring: readonly Template[] = [
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
];
