// Writes src/types.ts from the JSON Schemas of the messages; with --check it only says
// whether that would change anything.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const schemas = new URL("../../../schemas/jsonschema/", import.meta.url);
const target = new URL("../src/types.ts", import.meta.url);

// All schemas become definitions of one document, so that each type is declared once and
// is called what it is called there.
const definitions = {};
const names = {}; // of files
for (const file of readdirSync(schemas).sort()) {
  if (!file.endsWith(".json")) continue;
  const { $schema, $id, $defs, ...schema } = JSON.parse(readFileSync(new URL(file, schemas), "utf8"));
  Object.assign(definitions, $defs);
  if (schema.type === undefined) continue; // parts alone
  names[file] = schema.title.replace(/ (\p{L})/gu, (_, letter) => letter.toUpperCase());
  definitions[names[file]] = schema;
}

// simplify points references at the one document, and leaves out what TypeScript cannot say.
function simplify(node) {
  if (Array.isArray(node)) return node.map(simplify);
  if (node === null || typeof node !== "object") return node;
  const out = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === "title" || (key === "allOf" && value.some((part) => part.if))) continue;
    if (key === "$ref") {
      const [file, path] = value.split("#");
      out.$ref = path ? `#${path}` : `#/$defs/${names[file]}`;
      if (path === undefined && !names[file]) throw new Error(`${value}: there is no such schema`);
    } else if (key === "properties" || key === "$defs") {
      out[key] = Object.fromEntries(Object.entries(value).map(([name, v]) => [name, simplify(v)]));
    } else if (key !== "maxItems" && key !== "minItems") { // they would become unions of tuples
      out[key] = simplify(value);
    }
  }
  if (out.allOf && out.properties) { // the compiler takes one of them
    const { type, properties, required, ...rest } = out;
    return { ...rest, allOf: [...out.allOf, { type, properties, ...(required && { required }) }] };
  }
  if (!out.$ref || !out.description) return out;
  return { description: out.description, allOf: [{ $ref: out.$ref }] }; // not a type of its own
}

const $defs = simplify(definitions);
const text = await compile({ $defs }, "Messages", {
  additionalProperties: false, // others are allowed, but nobody can rely on them
  unreachableDefinitions: true,
  bannerComment: "// The messages of the pipeline. Generated from schemas/jsonschema by `npm run generate`; do not edit.",
  format: true,
  style: { printWidth: 120 },
});
const result = text
  .replace(/export interface Messages \{[^}]*\}\n*/, "")
  .replace(/\n( *) \* This interface was referenced by `Messages`'s JSON-Schema\n *\* via the `definition` "[^"]*"\./g, "")
  .replace(/\n( *) \*(?=\n *\*\/)/g, "") // lines that this leaves empty at the end of a comment
  .replace(/\/\*\*\n *\*\/\n/g, "")
  .replace(/\/\*\*\n *\* (.*)\n *\*\//g, "/** $1 */");

if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== result) {
    console.error("src/types.ts is not what the schemas say: run npm run generate");
    process.exit(1);
  }
} else {
  writeFileSync(target, result);
}
