import { type Attribute, localName, type Tag } from "./html-tag.ts";
import { isActiveData, readScriptScheme } from "./html-url.ts";

/**
 * Frames of these sites are what editors insert for "embed a video, a map, a post". They cannot script their parent.
 * Host → what the path begins with.
 */
const EMBEDS: ReadonlyMap<string, string> = new Map([
  ["www.youtube.com", "/embed/"], ["youtube.com", "/embed/"], ["www.youtube-nocookie.com", "/embed/"], ["player.vimeo.com", "/video/"],
  ["www.google.com", "/maps/"], ["maps.google.com", "/"], ["calendar.google.com", "/calendar/"], ["docs.google.com", "/"],
  ["open.spotify.com", "/embed"], ["w.soundcloud.com", "/player"], ["codepen.io", "/"], ["codesandbox.io", "/embed"],
  ["www.dailymotion.com", "/embed"], ["player.twitch.tv", "/"], ["www.facebook.com", "/plugins/"], ["www.instagram.com", "/p/"],
  ["platform.twitter.com", "/embed"], ["www.tiktok.com", "/embed"], ["embed.music.apple.com", "/"], ["www.loom.com", "/embed"],
  ["fast.wistia.net", "/embed"], ["fast.wistia.com", "/embed"], ["www.openstreetmap.org", "/export/embed"], ["giphy.com", "/embed/"],
  ["player.bilibili.com", "/player"], ["www.slideshare.net", "/slideshow/embed_code"], ["jsfiddle.net", "/"], ["embed.ted.com", "/"],
  ["www.figma.com", "/embed"], ["airtable.com", "/embed"], ["rutube.ru", "/play/embed"], ["vk.com", "/video_ext.php"],
]); // biome-ignore format: a list

/** Attributes whose value is a URL that the browser loads, follows or submits to. */
const URL_ATTRIBUTES = new Set([
  "action", "archive", "background", "cite", "classid", "code", "codebase", "content", "data", "dynsrc", "folder", "from",
  "formaction", "href", "icon", "longdesc", "lowsrc", "manifest", "ping", "poster", "profile", "src", "srcset", "to", "url",
  "usemap", "value", "values", "xlink:href", "xml:base",
]); // biome-ignore format: a list

/** Elements that load or run something by themselves when they carry one of these attributes. */
const ACTIVE_ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  applet: ["code", "archive", "object", "codebase"],
  base: ["href"],
  bgsound: ["src"],
  embed: ["src", "code", "type"],
  "event-source": ["src"],
  fencedframe: ["config", "src"],
  frame: ["src"],
  ilayer: ["src"],
  import: ["implementation", "namespace"],
  isindex: ["action", "prompt", "type", "formaction"],
  layer: ["src"],
  object: ["data", "classid", "type", "codebase", "archive"],
  portal: ["src"],
  vmlframe: ["src"],
  xml: ["src"],
  xss: ["style", "class", "id"],
};

/** Kind of what an element does by being there, whatever its URLs and handlers are. */
export function activeElement(tag: Tag, lower: string): string | undefined {
  const name = localName(tag.name);
  if (name === "iframe") return isForeignFrame(tag, lower) ? "html.active_element" : undefined;
  if (name === "meta") return metaActs(tag, lower) ? "html.active_element" : undefined;
  if (name === "form") return tag.attributes.some(isFormTarget) ? "html.form" : undefined;
  if (name === "set" || name.startsWith("animate")) {
    return tag.attributes.some((attribute) => isAnimated(attribute, lower)) ? "html.animation" : undefined;
  }
  if (name === "link") return linkLoads(tag, lower) ? "html.active_element" : undefined;
  const marks = Object.hasOwn(ACTIVE_ELEMENTS, name) ? ACTIVE_ELEMENTS[name] : undefined;
  if (marks === undefined) return undefined;
  // Two marks that are words of prose too (`<link rel> is …`) count only with a value.
  return tag.attributes.some((attribute) => marks.includes(attribute.name) && assignedLater(attribute, tag))
    ? "html.active_element"
    : undefined;
}

/** Internet Explorer read `<link / x href / =`: the name and its `=` may be apart. */
function assignedLater(attribute: Attribute, tag: Tag): boolean {
  if (attribute.assigned) return true;
  const next = tag.attributes[tag.attributes.indexOf(attribute) + 1];
  return next?.name.startsWith("=") ?? false;
}

/** Relations that name a page, as feeds, mail templates and head elements have them: nothing is loaded. */
const PASSIVE_RELATIONS =
  /^(?:self|alternate|canonical|edit|next|prev|first|last|related|via|enclosure|hub|license|search|author|help|shortlink|me|replies|up|collection|item|preconnect|https?:\S*)$/;

function linkLoads(tag: Tag, lower: string): boolean {
  const relation = tag.attributes.find((attribute) => attribute.name === "rel");
  const address = tag.attributes.find((attribute) => attribute.name === "href");
  const url =
    address === undefined ? "" : lower.slice(address.start, Math.min(address.end, address.start + 64)).trim();
  if (/^https:\/\/fonts\.(?:googleapis\.com|gstatic\.com|bunny\.net)(?:\/|$)/.test(url)) return false;
  if (relation === undefined) {
    // An XML feed's link is closed and has a plain address; HTML's without a relation does nothing.
    if (/^https?:\/\//.test(url) && lower.charCodeAt(tag.end - 2) === 0x2f) return false;
  } else if (
    relation.assigned &&
    PASSIVE_RELATIONS.test(lower.slice(relation.start, relation.end).replace(/\/$/, ""))
  )
    return false;
  return tag.attributes.some(
    ({ name }, index) => (name === "href" || name === "rel") && assignedLater(tag.attributes[index]!, tag),
  );
}

function isForeignFrame(tag: Tag, lower: string): boolean {
  const source = tag.attributes.find((attribute) => attribute.name === "src");
  if (source === undefined || !source.assigned) return tag.attributes.some((attribute) => attribute.assigned);
  let url = lower.slice(source.start, source.end).trim();
  // A page of the same site: Canvas shows its videos so.
  if (/^\/[a-z0-9]/.test(url)) return false;
  if (url.startsWith("https:")) url = url.slice(6);
  if (!url.startsWith("//")) return true;
  const slash = url.indexOf("/", 2);
  if (slash < 0) return true;
  const path = EMBEDS.get(url.slice(2, slash));
  return path === undefined || !url.startsWith(path, slash);
}

function metaActs(tag: Tag, lower: string): boolean {
  for (const attribute of tag.attributes) {
    if (attribute.name !== "http-equiv") continue;
    const value = lower.slice(attribute.start, attribute.end).trim();
    if (/^(?:refresh|set-cookie|link|content-security-policy|location|content-type)/.test(value)) {
      return value !== "content-type" || /utf-7|javascript|xss/.test(lower.slice(tag.start, tag.end));
    }
  }
  return false;
}

function isFormTarget(attribute: Attribute): boolean {
  return (
    attribute.assigned &&
    (attribute.name === "action" || attribute.name === "method" || attribute.name === "id")
  );
}

function isAnimated(attribute: Attribute, lower: string): boolean {
  if (attribute.name !== "attributename") return false;
  const value = lower.slice(attribute.start, attribute.end).trim();
  return (
    value.endsWith("href") ||
    value === "src" ||
    value.startsWith("on") ||
    value.endsWith("html") ||
    value === "action"
  );
}

/** Elements that show a URL as an image, in which no script runs. */
const IMAGES = new Set(["img", "source", "input", "video"]);

/** Kind of what one attribute does in an element: script URLs, documents in attributes, old data binding. */
export function activeAttribute(element: string, attribute: Attribute, lower: string): string | undefined {
  const { name, start, end } = attribute;
  if (!attribute.assigned) return undefined;
  if (name === "srcdoc") return "html.srcdoc";
  if (name === "formaction") return "html.script_url";
  if (name === "datafld" || name === "datasrc" || name === "dataformatas") return "html.data_binding";
  if (URL_ATTRIBUTES.has(name))
    return isScriptUrl(attribute, lower, !IMAGES.has(element)) ? "html.script_url" : undefined;
  if (isDirective(name) && runsDirective(name, lower.slice(start, Math.min(end, start + 256))))
    return "html.event_attribute";
  // `<img src="x:x" alt="javascript:alert(1)">`: the handler next to it evaluates the text.
  const scheme = readScriptScheme(lower, start, end, false);
  const runs =
    scheme !== undefined && scheme.scheme !== "data" && /[(`]/.test(lower.slice(scheme.end, scheme.end + 64));
  return runs && !isIdleScript(lower, scheme.end, end) ? "html.script_url" : undefined;
}

/** Attributes that AngularJS, Vue, Alpine and htmx evaluate. */
function isDirective(name: string): boolean {
  const code = name.charCodeAt(0);
  return code === 0x40 || code === 0x3a || /^(?:v|x|ng|data-ng|hx|data-hx)-/.test(name);
}

/** A way out of the framework's scope to Function, or a dialog in a directive that runs at once. */
function runsDirective(name: string, value: string): boolean {
  if (/\bconstructor\s{0,4}[([.]|composedpath\(|\$event\.view/.test(value)) return true;
  // `hx-on:click`, `hx-on::load`: handlers in all but name.
  if (/^(?:data-)?hx-on[:-]/.test(name)) return value.trim() !== "";
  return (
    /^(?:x-(?:init|data|html|effect|text|show|if|on:[\w:.-]{1,60})|@[\w:.-]{1,60}|(?:data-)?ng-(?:init|focus))$/.test(
      name,
    ) && /^\W{0,8}(?:alert|confirm|prompt|eval)\s{0,4}[(`]/.test(value)
  );
}

function isScriptUrl(attribute: Attribute, lower: string, images: boolean): boolean {
  const { name, end } = attribute;
  let from = attribute.start;
  if (attribute.quote === 0 && lower.charCodeAt(from) === 0x60) from += 1;
  const scheme = readScriptScheme(lower, from, end, true);
  if (scheme !== undefined) {
    if (scheme.scheme === "data") return name !== "value" && isActiveData(lower, scheme.end, end, images);
    return scheme.obfuscated || !isIdleScript(lower, scheme.end, end);
  }
  if (name !== "content" && name !== "values" && name !== "srcset") return false;
  // Refresh: `0; url=javascript:…`; animation values: `x;javascript:…`.
  const value = lower.slice(from, end);
  return value.includes("javascript:") || value.includes("data:text/html");
}

/** Script URLs that links of real pages carry so that a click does nothing or something harmless. */
export function isIdleScript(lower: string, from: number, to: number): boolean {
  const script = lower.slice(from, Math.min(to, from + 96)).trim();
  return (
    script.length < 90 &&
    /^(?:void ?\(? ?['"]?0?['"]? ?\)?|\/\/|#|return (?:false|true)|(?:window\.|self\.)?(?:print|close)\(\)|(?:window\.)?history\.(?:back\(\)|forward\(\)|go\(-?\d\))|(?:window\.|document\.)?location\.reload\((?:true|false)?\)|__dopostback\([\w$',&#;: ]*\))?;*$/.test(
      script,
    )
  );
}
