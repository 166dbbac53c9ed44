import { navigation, scripted } from "./browser.ts";
import { form, json, lines, type Template, texts } from "./template.ts";

const html = texts("html");
const prose = texts("prose");
const titles = lines("titles");

/** WordPress: both of its editors, and its readers. */
export const blogs: readonly Template[] = [
  {
    name: "wordpress-classic",
    make: (d) =>
      form(
        "/wp-admin/post.php",
        [
          ["_wpnonce", d.hex(10)],
          ["_wp_http_referer", `/wp-admin/post.php?post=${d.int(1, 99)}&action=edit&message=6`],
          ["user_ID", "1"],
          ["action", "editpost"],
          ["originalaction", "editpost"],
          ["post_author", "1"],
          ["post_type", "post"],
          [
            "referredby",
            "https://blog.example.com/wp-admin/edit.php?post_status=draft&orderby=date&order=asc",
          ],
          ["post_title", d.turn(titles)],
          ["samplepermalinknonce", d.hex(10)],
          ["content", d.turn(html)],
          ["excerpt", d.turn(prose)],
          ["tax_input[post_tag]", "sql, it's, c++"],
          ["post_name", "its-here"],
          ["metakeyinput", ""],
          ["save", "Update"],
        ],
        navigation(d),
      ),
  },
  {
    name: "gutenberg",
    make: (d) =>
      json(
        "POST",
        `/wp-json/wp/v2/posts/${d.int(1, 99)}?_locale=user`,
        {
          id: 1,
          title: d.turn(titles),
          content: d.turn(html),
          excerpt: d.turn(prose),
          status: "publish",
          meta: { footnotes: "" },
        },
        scripted(d, [
          ["X-WP-Nonce", d.hex(10)],
          ["X-HTTP-Method-Override", "PUT"],
        ]),
      ),
  },
  {
    name: "gutenberg-batch",
    make: (d) =>
      json(
        "POST",
        "/wp-json/batch/v1?_locale=user",
        {
          validation: "require-all-validate",
          requests: [
            { path: "/wp/v2/posts/1?context=edit&_fields=id,title.raw", body: { content: d.turn(html) } },
          ],
        },
        scripted(d),
      ),
  },
  {
    name: "wordpress-autosave",
    make: (d) =>
      form(
        "/wp-admin/admin-ajax.php",
        [
          ["data[wp_autosave][post_id]", "42"],
          ["data[wp_autosave][post_title]", d.turn(titles)],
          ["data[wp_autosave][content]", d.turn(html)],
          ["interval", "60"],
          ["_nonce", d.hex(10)],
          ["action", "heartbeat"],
          ["screen_id", "post"],
          ["has_focus", "true"],
        ],
        scripted(d),
      ),
  },
  {
    name: "wordpress-comment",
    make: (d) =>
      form(
        "/wp-comments-post.php",
        [
          ["comment", d.turn(prose)],
          ["author", d.turn(lines("names"))],
          ["email", "o'brien@example.com"],
          ["url", "http://bob.example.com/?p=1&x=2"],
          ["comment_post_ID", "42"],
          ["comment_parent", "0"],
          ["submit", "Post Comment »"],
        ],
        navigation(d),
      ),
  },
  {
    name: "customizer",
    make: (d) =>
      form(
        "/wp-admin/customize.php",
        [
          [
            "customized",
            JSON.stringify({
              "custom_css[twentytwentyfour]": texts("code").find((one) => one.startsWith(".card")),
              blogdescription: 'It\'s "just" another site',
              "nav_menu_item[-1]": { url: "https://example.com/?a=1#b", title: "Q&A" },
            }),
          ],
          ["customize_changeset_uuid", d.uuid()],
          ["nonce", d.hex(10)],
          ["wp_customize", "on"],
        ],
        scripted(d),
      ),
  },
];
