import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Marked, type Token } from "marked";

/** One document as a page of the site. */
export interface Page {
  /** Relative to the repository: "docs/waf.md". */
  readonly source: string;
  /** Relative to the site: "docs/waf.html". */
  readonly target: string;
  readonly title: string;
  readonly html: string;
  /** Ids of its headings. */
  readonly anchors: ReadonlySet<string>;
  /** Links to other documents, or within it, as they are written. */
  readonly links: readonly string[];
}

/** Documents that are pages, in the order of the menu. */
export function documentsOf(root: string): readonly string[] {
  const found = globSync(["README.md", "CHANGELOG.md", "SECURITY.md", "bench/README.md", "docs/**/*.md"], {
    cwd: root,
  })
    .map((file) => file.split(path.sep).join("/"))
    .sort();
  return ["README.md", ...found.filter((file) => file !== "README.md")];
}

/** Reads and renders one document. HTML in it is shown as text: pages hold nothing but what Markdown says. */
export function readPage(root: string, source: string, isPage: (file: string) => boolean): Page {
  const anchors = new Set<string>();
  const links: string[] = [];
  let title = source;
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const text = plainText(tokens);
        if (depth === 1) title = text;
        const id = freeAnchor(anchorOf(text), anchors);
        anchors.add(id);
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        if (/^[a-z]+:/.test(href)) return `<a href="${escapeHtml(href)}">${text}</a>`;
        links.push(href);
        const to = pageLink(source, href, isPage);
        // A source file: the site holds documents only.
        return to === undefined ? text : `<a href="${escapeHtml(to)}">${text}</a>`;
      },
      image: ({ href, text }) => `<img src="${escapeHtml(href)}" alt="${escapeHtml(text)}">`,
      html: ({ text }) => (/^<!--[\s\S]*-->\s*$/.test(text) ? "" : escapeHtml(text)),
    },
  });
  const html = marked.parse(readFileSync(path.join(root, source), "utf8"), { async: false });
  return { source, target: targetOf(source), title, html, anchors, links };
}

/** Writes the site; `into` is emptied first. */
export function writeSite(root: string, into: string): readonly Page[] {
  const sources = documentsOf(root);
  const known = new Set(sources);
  const pages = sources.map((source) => readPage(root, source, (file) => known.has(file)));
  rmSync(into, { recursive: true, force: true });
  for (const page of pages) {
    const file = path.join(into, page.target);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, printPage(page, pages));
  }
  for (const image of globSync(["docs/**/*.{png,svg,jpg}", "bench/**/*.svg"], { cwd: root })) {
    if (image.includes("node_modules")) continue;
    mkdirSync(path.dirname(path.join(into, image)), { recursive: true });
    writeFileSync(path.join(into, image), readFileSync(path.join(root, image)));
  }
  return pages;
}

/** As code hosts name the headings of Markdown. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** Where a link of `source` leads, relative to the repository, and to which heading. */
export function resolveLink(
  source: string,
  href: string,
): { readonly file: string; readonly anchor: string } {
  const [target = "", anchor = ""] = href.split("#", 2);
  const file = target === "" ? source : path.posix.join(path.posix.dirname(source), decodeURI(target));
  return { file: file.replace(/\/$/, ""), anchor };
}

function pageLink(source: string, href: string, isPage: (file: string) => boolean): string | undefined {
  const { file, anchor } = resolveLink(source, href);
  if (!isPage(file)) return undefined;
  const to = path.posix.relative(path.posix.dirname(targetOf(source)), targetOf(file));
  return anchor === "" ? to : `${to}#${anchor}`;
}

function targetOf(source: string): string {
  return source === "README.md" ? "index.html" : source.replace(/\.md$/, ".html");
}

function freeAnchor(wish: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wish)) return wish;
  let number = 1;
  while (taken.has(`${wish}-${number}`)) number++;
  return `${wish}-${number}`;
}

function plainText(tokens: readonly Token[]): string {
  return tokens
    .map((token) =>
      "tokens" in token && token.tokens !== undefined ? plainText(token.tokens) : textOf(token),
    )
    .join("");
}

function textOf(token: Token): string {
  return "text" in token && typeof token.text === "string" ? token.text : token.raw;
}

function printPage(page: Page, pages: readonly Page[]): string {
  const here = path.posix.dirname(page.target);
  const groups = new Map<string, Page[]>();
  for (const one of pages) {
    const group = path.posix.dirname(one.source);
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  const menu = [...groups].map(([group, members]) => {
    const items = members.map(
      ({ target, title }) =>
        `<li><a href="${path.posix.relative(here, target)}">${escapeHtml(title)}</a></li>`,
    );
    const isOpen = members.includes(page) || group === "." || group === "docs";
    return `<details${isOpen ? " open" : ""}><summary>${escapeHtml(group === "." ? "zion" : group)}</summary><ul>${items.join("")}</ul></details>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(page.title)} · zion</title><style>${STYLE}</style></head>
<body><nav>${menu.join("\n")}</nav><main>
${page.html}</main></body></html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

const STYLE = `:root{color-scheme:light dark}body{display:grid;grid-template-columns:16rem minmax(0,1fr);gap:2rem;margin:0 auto;max-width:80rem;padding:1rem;font:16px/1.5 system-ui,sans-serif}
nav{font-size:.9rem}nav ul{list-style:none;padding-left:.75rem;margin:.25rem 0}main{min-width:0}pre,table{overflow-x:auto;display:block}pre{padding:.75rem;background:#8882}code{font-size:.9em}
td,th{border:1px solid #8886;padding:.25rem .5rem;vertical-align:top;text-align:left}table{border-collapse:collapse}img{max-width:100%}
@media(max-width:50rem){body{grid-template-columns:1fr}}`;
