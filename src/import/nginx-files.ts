import { addChange } from "./changes.ts";
import type { Location } from "./nginx-location.ts";
import { decide, effective, type Place } from "./nginx-scope.ts";
import type { Directive } from "./nginx-syntax.ts";
import { differs, needsYou, translated } from "./verdict.ts";

/** A location that answers with files: `root` or `alias`, `index`, `try_files`. Closed where it does more than that. */
export function translateFiles(
  location: Location,
  place: Place,
  locations: readonly Location[],
  tryFiles: Directive | undefined,
): void {
  const alias = location.scope.directives.find(({ name }) => name === "alias");
  const source = alias ?? effective(place.scope, "root")[0];
  const index = effective(place.scope, "index")[0];
  const files =
    place.methods?.includes("GET") === false
      ? "GET is not let in"
      : readFiles(location, locations, source, index, tryFiles);
  const about = [source, index, tryFiles].filter((one) => one !== undefined);
  if (typeof files === "string") {
    place.closed.push(`files are served there: ${files}`);
    for (const directive of about) decide(place.nginx, directive, needsYou(`${files}: the route is closed`));
    return;
  }
  const { directory, names, isFallback } = files;
  const { route } = place;
  // What goes to upstreams with requests goes nowhere here.
  for (const key of ["request_headers", "mirror", "intercept"]) delete route[key];
  if (alias !== undefined && location.text !== "/")
    addChange(route, "rewrite", { strip_prefix: location.text.slice(0, -1) });
  route["mode"] = "static";
  route["serve_dir"] = directory;
  if (names.join() !== "index.html") route["static_index"] = names;
  if (isFallback) route["spa_fallback"] = true;
  // Others get 405.
  place.methods = undefined;
  decide(
    place.nginx,
    source!,
    differs("`serve_dir`: hidden files are not served, and links must not lead out of it"),
  );
  if (index !== undefined) decide(place.nginx, index, translated("`static_index`"));
  if (tryFiles !== undefined)
    decide(
      place.nginx,
      tryFiles,
      isFallback
        ? differs(
            "`spa_fallback`: paths that end in a file's name get it only where the client asks for text/html",
          )
        : translated("`serve_dir`"),
    );
}

interface Files {
  readonly directory: string;
  readonly names: readonly string[];
  readonly isFallback: boolean;
}

/** A text: why it cannot be said here. */
function readFiles(
  { kind, text, scope }: Location,
  locations: readonly Location[],
  source: Directive | undefined,
  index: Directive | undefined,
  tryFiles: Directive | undefined,
): Files | string {
  // `location ~ \.php$`: what is run there would be shown here.
  if (locations.some((other) => other.kind === "regex"))
    return "expressions in other locations take some of the files";
  const path = source?.args[0] ?? "";
  if (!/^\/[^$]*$/.test(path)) return "the directory is not one fixed path";
  const isAlias = source?.name === "alias";
  if (isAlias && (kind !== "prefix" || !text.endsWith("/") || !path.endsWith("/")))
    return "`alias` takes the place of a part of a name";
  const names = index?.args ?? ["index.html"];
  if (names.some((name) => !/^[\w-][\w.-]*$/.test(name) || /\.(?:php\d?|cgi|pl|py|shtml)$/i.test(name)))
    return "an index is no plain file";
  if (scope.directives.some(({ name, args }) => name === "autoindex" && args[0] === "on"))
    return "directories are listed";
  const directory = path.replace(/(?<=.)\/+$/, "");
  const tries = tryFiles?.args ?? [];
  const last = tries.at(-1);
  const isPlain = tries.slice(0, -1).every((one) => one === "$uri" || one === "$uri/") && tries[0] !== last;
  if (last === undefined || (isPlain && last === "=404")) return { directory, names, isFallback: false };
  if (isPlain && !isAlias && last === `/${names[0]}`) return { directory, names, isFallback: true };
  return `\`try_files\` ends in ${last}`;
}
