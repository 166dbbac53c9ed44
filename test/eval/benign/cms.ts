import { navigation, scripted } from "./browser.ts";
import { form, json, lines, multipart, type Template, texts } from "./template.ts";

const html = texts("html");
const markdown = texts("markdown");
const prose = texts("prose");
const languages = texts("languages");
const titles = lines("titles");

/** Editors of content systems. */
export const cms: readonly Template[] = [
  {
    name: "tinymce-form",
    make: (d) =>
      form(
        "/admin/articles/save",
        [
          ["csrf", d.base64(32)],
          ["title", d.turn(titles)],
          ["body", d.turn(html)],
          ["tags[]", "it's"],
          ["tags[]", "r&d"],
          ["publish_at", "2025-03-04T10:12"],
        ],
        navigation(d),
      ),
  },
  {
    name: "tinymce-multipart",
    make: (d) =>
      multipart(
        d,
        "/admin/articles/save",
        [
          { name: "title", value: d.turn(titles) },
          { name: "body", value: d.turn(html) },
          { name: "image", value: "", filename: "", type: "application/octet-stream" },
          { name: "summary", value: d.turn(prose) },
        ],
        navigation(d),
      ),
  },
  {
    name: "ckeditor-json",
    make: (d) =>
      json(
        "PUT",
        `/api/articles/${d.uuid()}`,
        {
          title: d.turn(titles),
          blocks: [
            { type: "html", data: d.turn(html) },
            {
              type: "paragraph",
              data: { text: `${d.turn(prose)} <i>and</i> <a href="/x?y=1&amp;z=2">more</a>` },
            },
          ],
        },
        scripted(d),
      ),
  },
  {
    name: "drupal-node",
    make: (d) =>
      form(
        "/node/42/edit",
        [
          ["changed", d.digits(10)],
          ["title[0][value]", d.turn(titles)],
          ["form_build_id", `form-${d.base64url(32)}`],
          ["form_token", d.base64url(32)],
          ["form_id", "node_article_edit_form"],
          ["body[0][summary]", ""],
          ["body[0][value]", d.turn(html)],
          ["body[0][format]", "full_html"],
          ["field_tags[target_id]", '"O\'Reilly, Tim" (12), sql (3)'],
          ["path[0][alias]", "/news/it-s-here"],
          ["op", "Save"],
        ],
        navigation(d),
      ),
  },
  {
    name: "drupal-ajax",
    make: (d) =>
      form(
        "/views/ajax?_wrapper_format=drupal_ajax",
        [
          ["view_name", "content"],
          ["view_display_id", "page_1"],
          ["view_args", ""],
          ["view_path", "/admin/content"],
          ["view_dom_id", d.hex(64)],
          ["pager_element", "0"],
          ["order", "changed"],
          ["sort", "desc"],
          ["_drupal_ajax", "1"],
          ["ajax_page_state[theme]", "claro"],
          ["ajax_page_state[libraries]", `eJx${d.base64url(200)}`],
        ],
        scripted(d),
      ),
  },
  {
    name: "drupal-filter",
    make: (d) =>
      multipart(d, "/admin/config/content/formats/manage/basic_html", [
        {
          name: "filters[filter_html][settings][allowed_html]",
          value:
            '<br> <p class="text-align-left"> <h2 id="jump-*"> <a hreflang href> <em> <strong> <ul type> <ol start type> <img src alt data-entity-uuid>',
        },
        { name: "editor[settings][toolbar]", value: '["bold","italic","|","link"]' },
        { name: "form_token", value: d.base64url(32) },
      ]),
  },
  {
    name: "joomla",
    make: (d) =>
      form(
        "/administrator/index.php?option=com_content&layout=edit&id=42",
        [
          ["jform[title]", d.turn(titles)],
          ["jform[articletext]", d.turn(html)],
          ["jform[metadata][author]", d.turn(lines("names"))],
          ["jform[publish_up]", "2025-03-04 10:12:33"],
          ["task", "article.apply"],
          ["return", Buffer.from("index.php?option=com_content&view=articles").toString("base64")],
          [d.hex(32), "1"],
        ],
        navigation(d),
      ),
  },
  {
    name: "ghost",
    make: (d) =>
      json(
        "PUT",
        `/ghost/api/admin/posts/${d.hex(24)}/?formats=mobiledoc%2Clexical&include=tags%2Cauthors`,
        {
          posts: [
            {
              title: d.turn(titles),
              mobiledoc: JSON.stringify({
                version: "0.3.1",
                cards: [
                  ["markdown", { markdown: d.turn(markdown) }],
                  ["html", { html: d.turn(html) }],
                ],
                markups: [["a", ["href", "https://example.com/?a=b"]]],
                sections: [[1, "p", [[0, [0], 1, d.turn(prose)]]]],
              }),
              updated_at: "2025-03-04T10:12:33.000Z",
            },
          ],
        },
        scripted(d),
      ),
  },
  {
    name: "contentful",
    make: (d) =>
      json("PUT", `/spaces/${d.token(12)}/entries/${d.token(22)}`, {
        fields: {
          title: { "en-US": d.turn(titles), de: "Größe & Maß" },
          body: {
            "en-US": {
              nodeType: "document",
              content: [
                {
                  nodeType: "paragraph",
                  content: [{ nodeType: "text", value: d.turn(prose), marks: [{ type: "bold" }] }],
                },
                { nodeType: "hyperlink", data: { uri: "https://example.com/it's?x=1" } },
              ],
            },
          },
        },
      }),
  },
  {
    name: "notion-like",
    make: (d) =>
      json(
        "POST",
        "/api/v3/saveTransactions",
        {
          requestId: d.uuid(),
          transactions: [
            {
              id: d.uuid(),
              operations: [
                {
                  pointer: { table: "block", id: d.uuid() },
                  path: ["properties", "title"],
                  command: "set",
                  args: [[d.turn(prose)], ["code", [["c"]]], ["link", [["a", "https://example.com"]]]],
                },
              ],
            },
          ],
        },
        scripted(d),
      ),
  },
  {
    name: "quill-delta",
    make: (d) =>
      json(
        "POST",
        "/api/notes",
        {
          delta: {
            ops: [
              { insert: `${d.turn(prose)}\n` },
              { insert: d.turn(texts("code")), attributes: { "code-block": true } },
              { insert: { image: `data:image/png;base64,${d.base64(120)}` } },
            ],
          },
        },
        scripted(d),
      ),
  },
  {
    name: "markdown-wiki",
    make: (d) =>
      form(
        "/wiki/save",
        [
          ["page", "Docs/It's a start"],
          ["text", d.turn(markdown)],
          ["summary", "typo; see /Talk"],
          ["wpEditToken", `${d.hex(32)}+\\`],
          ["wpSection", ""],
        ],
        navigation(d),
      ),
  },
  {
    name: "mediawiki",
    make: (d) =>
      multipart(d, "/w/index.php?title=SQL&action=submit", [
        {
          name: "wpTextbox1",
          value: `{{Infobox software|name=SQL|released={{start date|1974}}}}\n'''SQL''' is a [[query language]]s; it's "declarative".<ref name="a">{{cite web |url=https://example.com/?a=b |title=It's SQL}}</ref>\n== Syntax ==\n<syntaxhighlight lang="sql">\nSELECT isbn, title FROM book WHERE price > 100.00 ORDER BY title;\n</syntaxhighlight>\n* ''a'' & ''b''\n{| class="wikitable"\n! x !! y\n|-\n| 1 || 2\n|}\n[[Category:Data]] ~~~~`,
        },
        { name: "wpSummary", value: "/* Syntax */ it's clearer now" },
        { name: "wpEditToken", value: `${d.hex(40)}+\\` },
        { name: "wpUnicodeCheck", value: "ℳ𝒲♥𝓊𝓃𝒾𝒸ℴ𝒹ℯ" },
      ]),
  },
  {
    name: "translated-page",
    make: (d) =>
      form(
        "/admin/translations",
        [
          ["key", "home.title"],
          ["value", d.turn(languages)],
          ["context", "%s of %d (it's {count, plural, one {# item} other {# items}})"],
        ],
        navigation(d),
      ),
  },
  {
    name: "menu-editor",
    make: (d) =>
      json(
        "POST",
        "/api/menus",
        {
          items: titles.map((label) => ({
            label,
            url: `/p/${d.int(1, 99)}?x=1&y='z'`,
            target: "_blank",
            css: "nav > li.active",
          })),
        },
        scripted(d),
      ),
  },
  {
    name: "email-template",
    make: (d) =>
      json(
        "PUT",
        `/api/templates/${d.int(1, 99)}`,
        {
          subject: "{{ customer.first_name | default: 'there' }}, it's your order {{ order.name }}",
          body: '{% if order.items.size > 0 %}<table>{% for i in order.items %}<tr><td>{{ i.title | escape }}</td><td>{{ i.price | money }}</td></tr>{% endfor %}</table>{% else %}<p>Nothing</p>{% endif %}<a href="{{ shop.url }}?ref=mail">Shop</a>',
        },
        scripted(d),
      ),
  },
];
