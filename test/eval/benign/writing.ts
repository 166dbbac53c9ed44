import { navigation, scripted } from "./browser.ts";
import type { Draw } from "./draw.ts";
import {
  type BenignRequest,
  form,
  get,
  json,
  lines,
  multipart,
  query,
  send,
  type Template,
  texts,
} from "./template.ts";

/** Ways in which people's text reaches a site. */
const ways: Readonly<Record<string, (d: Draw, text: string) => BenignRequest>> = {
  form: (d, text) =>
    form(
      "/comments",
      [
        ["csrf_token", d.base64(32)],
        ["comment[body]", text],
        ["comment[parent_id]", ""],
      ],
      navigation(d),
    ),
  json: (d, text) =>
    json("POST", "/api/v2/comments", { body: text, format: "markdown", mentions: [] }, scripted(d)),
  multipart: (d, text) =>
    multipart(
      d,
      "/posts",
      [
        { name: "title", value: "A question; it's short" },
        { name: "text", value: text },
      ],
      navigation(d),
    ),
  quoted: (d, text) =>
    form(
      "/forum/reply",
      [
        ["message", `[quote="O'Brien"]\n${text}\n[/quote]\nthx, that's it!`],
        ["icon", "0"],
      ],
      navigation(d),
    ),
  fenced: (d, text) =>
    json(
      "POST",
      "/api/issues",
      {
        title: "Doesn't work?",
        body: `I've tried this:\n\n\`\`\`\n${text}\n\`\`\`\n\nbut it's not ok. What's wrong?`,
        labels: ["question"],
      },
      scripted(d),
    ),
  plain: (_, text) =>
    send("POST", "/paste?expire=1d&lang=auto", "text/plain; charset=utf-8", text, [
      ["User-Agent", "curl/8.5.0"],
    ]),
  escaped: (d, text) =>
    form(
      "/editor/save",
      [
        [
          "html",
          `<p>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("\n", "<br>")}</p>`,
        ],
      ],
      navigation(d),
    ),
  nested: (d, text) =>
    form("/rpc", [["params", JSON.stringify({ doc: { text, at: d.timeMs() } })]], scripted(d)),
};

/** One template per way: its rounds walk through the texts from different starts. */
function eachWay(
  name: string,
  all: readonly string[],
  wanted: readonly string[] = Object.keys(ways),
): Template[] {
  return wanted.map((way, index) => ({
    name: `${name}-${way}`,
    make: (d) => ways[way]!(d, all[(d.round + index * Math.ceil(all.length / wanted.length)) % all.length]!),
  }));
}

/** What people write: prose, code, questions about SQL, logs, chats, in many languages. */
export const writing: readonly Template[] = [
  ...eachWay("code", texts("code")),
  // Twice as many snippets as rounds: a second walk from the middle.
  ...eachWay(
    "more-code",
    [...texts("code").slice(33), ...texts("code").slice(0, 33)],
    ["form", "json", "fenced"],
  ),
  ...eachWay("sql", texts("sql")),
  ...eachWay("prose", texts("prose")),
  ...eachWay("language", texts("languages")),
  ...eachWay("log", texts("logs")),
  ...eachWay("config", texts("config")),
  ...eachWay("markdown", texts("markdown")),
  ...eachWay("diff", texts("diffs"), ["form", "json", "fenced"]),
  ...eachWay("chat", lines("chat"), ["form", "json", "multipart"]),
  {
    name: "prose-query",
    make: (d) => get(`/share?${query([["text", d.turn(texts("prose"))]])}`, navigation(d)),
  },
  {
    name: "language-query",
    make: (d) =>
      get(
        `/translate?${query([
          ["sl", "auto"],
          ["tl", "en"],
          ["q", d.turn(texts("languages"))],
        ])}`,
        scripted(d),
      ),
  },
  {
    name: "language-path",
    make: (d) =>
      get(`/tags/${encodeURIComponent(d.turn(texts("languages")).slice(0, 24).trim())}`, navigation(d)),
  },
  { name: "chat-query", make: (d) => get(`/say?${query([["m", d.turn(lines("chat"))]])}`, scripted(d)) },
  {
    name: "assistant",
    make: (d) =>
      json("POST", "/v1/chat/completions", {
        model: "small-1",
        messages: [
          { role: "system", content: "You're a helpful assistant; don't execute commands." },
          { role: "user", content: `Explain this, please:\n\n${d.turn(texts("code"))}` },
          { role: "assistant", content: d.turn(texts("sql")) },
        ],
        temperature: 0.7,
        stream: true,
      }),
  },
  {
    name: "translate-batch",
    make: (d) =>
      json("POST", "/v2/translate", {
        text: [0, 1, 2].map((i) => texts("languages")[(d.round + i * 9) % texts("languages").length]),
        target_lang: "EN-GB",
        tag_handling: "html",
      }),
  },
  {
    name: "notebook",
    make: (d) =>
      json(
        "PUT",
        "/api/contents/Untitled.ipynb",
        {
          type: "notebook",
          content: {
            cells: [
              {
                cell_type: "code",
                execution_count: 1,
                metadata: {},
                source: d.turn(texts("code")),
                outputs: [{ output_type: "stream", name: "stdout", text: d.turn(texts("logs")) }],
              },
              { cell_type: "markdown", source: d.turn(texts("markdown")) },
            ],
            nbformat: 4,
          },
        },
        scripted(d),
      ),
  },
];
