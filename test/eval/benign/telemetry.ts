import { scripted } from "./browser.ts";
import { json, send, type Template, texts } from "./template.ts";

const logs = texts("logs");
const site = "https://www.example.com/products?q=it%27s&sort=-price#top";

/** Logs, traces, metrics and errors that programs send. */
export const telemetry: readonly Template[] = [
  {
    name: "rum-batch",
    make: (d) =>
      send(
        "POST",
        `/api/v2/rum?ddsource=browser&ddtags=sdk_version%3A5.2.0%2Capi%3Abeacon%2Cenv%3Aprod%2Cservice%3Ashop&dd-api-key=pub${d.hex(32)}&dd-request-id=${d.uuid()}&batch_time=${d.timeMs()}`,
        "text/plain;charset=UTF-8",
        [
          { type: "view", view: { url: site, name: "/products/?" } },
          {
            type: "resource",
            resource: {
              url: "https://api.example.com/v1/items?filter=price>10&q=a'b",
              duration: 1e8,
              status_code: 200,
            },
          },
          {
            type: "error",
            error: {
              message: 'Uncaught "Script error."',
              stack: "Error: x\n  at foo @ https://www.example.com/app.js:1:2\n  at <anonymous> @ eval:1:1",
            },
          },
        ]
          .map((one) => JSON.stringify({ ...one, date: d.timeMs() }))
          .join("\n"),
        scripted(d),
      ),
  },
  {
    name: "sentry-envelope",
    make: (d) => {
      const event = {
        event_id: d.hex(32),
        exception: {
          values: [
            {
              type: "TypeError",
              value: "Cannot read properties of undefined (reading 'map')",
              stacktrace: {
                frames: [
                  {
                    filename: "webpack-internal:///(app-pages-browser)/./src/app.tsx",
                    function: "Object.<anonymous>",
                    lineno: d.int(1, 999),
                    context_line: "  const el = document.getElementById('root'); // it's here",
                    pre_context: ["import x from '../../x';", "if (a && b || !c) {"],
                    in_app: true,
                  },
                ],
              },
            },
          ],
        },
        breadcrumbs: [
          { category: "ui.click", message: 'div#root > button.btn[type="submit"][onclick]' },
          { category: "fetch", data: { url: "/api/q?sql=1&where=a'b", status_code: 500 } },
          { category: "console", message: d.turn(logs) },
        ],
        request: { url: site, headers: { "User-Agent": "Mozilla/5.0", Referer: "https://t.co/" } },
      };
      return send(
        "POST",
        `/api/${d.digits(6)}/envelope/?sentry_key=${d.hex(32)}&sentry_version=7&sentry_client=sentry.javascript.react%2F8.26.0`,
        "text/plain;charset=UTF-8",
        `{"event_id":"${d.hex(32)}","sent_at":"2025-03-04T10:12:33.123Z","sdk":{"name":"sentry.javascript.react"}}\n{"type":"event"}\n${JSON.stringify(event)}`,
        scripted(d),
      );
    },
  },
  {
    name: "log-upload",
    make: (d) =>
      send(
        "POST",
        `/api/v1/logs?host=web-${d.int(1, 9)}&service=shop`,
        "text/plain",
        texts("logs")
          .slice(d.round % 5, (d.round % 5) + 6)
          .join("\n"),
        [["User-Agent", "Fluent-Bit"]],
      ),
  },
  {
    name: "log-ndjson",
    make: (d) =>
      send(
        "POST",
        "/_bulk",
        "application/x-ndjson",
        logs
          .map(
            (message) =>
              `{"create":{"_index":"logs-app"}}\n${JSON.stringify({ "@timestamp": new Date(d.timeMs()).toISOString(), message })}\n`,
          )
          .slice(d.round % 8, (d.round % 8) + 5)
          .join(""),
      ),
  },
  {
    name: "loki-push",
    make: (d) =>
      json("POST", "/loki/api/v1/push", {
        streams: [
          {
            stream: { job: "app", host: `web-${d.int(1, 9)}` },
            values: logs.slice(d.round % 6, (d.round % 6) + 4).map((line) => [`${d.timeMs()}000000`, line]),
          },
        ],
      }),
  },
  {
    name: "otlp-json",
    make: (d) =>
      json("POST", "/v1/traces", {
        resourceSpans: [
          {
            resource: {
              attributes: [
                { key: "service.name", value: { stringValue: "shop" } },
                {
                  key: "process.command_line",
                  value: { stringValue: "/usr/bin/node --max-old-space-size=512 /srv/app/server.js" },
                },
              ],
            },
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: d.hex(32),
                    spanId: d.hex(16),
                    name: "SELECT shop.orders",
                    kind: 3,
                    attributes: [
                      {
                        key: "db.statement",
                        value: {
                          stringValue:
                            "SELECT id, total FROM orders WHERE customer_id = ? AND status = 'open'",
                        },
                      },
                      { key: "db.system", value: { stringValue: "mysql" } },
                      { key: "http.url", value: { stringValue: site } },
                    ],
                  },
                ],
              },
            ],
          },
        ],
      }),
  },
  {
    name: "influx-line",
    make: (d) =>
      send(
        "POST",
        "/api/v2/write?org=acme&bucket=b&precision=s",
        "text/plain; charset=utf-8",
        `weather,location=us\\ midwest,season=summer temperature=${d.int(1, 99)},note="it's \\"hot\\"" ${d.digits(10)}\ncpu,host=web-1 usage_user=1.5,usage_system=0.3i ${d.digits(10)}`,
      ),
  },
];
