import path from "node:path";
import { writeSite } from "./site.ts";

// `npm run docs:build`: the documents as static pages, in dist-docs/ or where the first argument says.
const root = path.resolve(import.meta.dirname, "../..");
const into = path.resolve(process.argv[2] ?? path.join(root, "dist-docs"));
const pages = writeSite(root, into);
console.log(`${pages.length} pages in ${into}`);
