// SPDX-License-Identifier: Apache-2.0
// node validate.mjs FOLDER <OBJECTS: each JSON object is one that its published
// schema describes: types and formats by the schema, and no field that it does
// not have. FOLDER is scripts/fetch-kubernetes-schemas's; OBJECTS an array.
import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const require = createRequire(pathToFileURL(`${folder}/package.json`));
const objects = JSON.parse(readFileSync(0, "utf8"));
const problems = [];

// "apps/v1" -> where its classes are.
const packages = {
  "cert-manager.io": "@kubernetes-models/cert-manager",
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator",
};
function moduleOf(apiVersion) {
  return `${packages[apiVersion.split("/")[0]] ?? "kubernetes-models"}/${apiVersion}`;
}

for (const object of objects) {
  const name = `${object.kind} ${object.metadata?.name}`;
  const classes = await import(
    pathToFileURL(`${folder}/node_modules/${moduleOf(object.apiVersion)}/index.js`)
  );
  if (!classes[object.kind]) {
    problems.push(`${name}: ${object.apiVersion} has no such kind`);
    continue;
  }
  try {
    new classes[object.kind](object).validate();
  } catch (error) {
    problems.push(`${name}: ${error.message}`);
  }
}

// A literal of a type may have no field that the type has not.
const source = objects.map(
  (object, index) =>
    `import type { I${object.kind} as T${index} } from "${moduleOf(object.apiVersion)}";\n` +
    `export const o${index}: T${index} = ${JSON.stringify(object)};\n`,
);
const file = `${folder}/objects.${process.pid}.ts`;
const ts = require("typescript");
writeFileSync(file, source.join(""));
const program = ts.createProgram([file], {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: [],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
});
for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
  const line = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start).line;
  const object = objects[(line - 1) / 2];
  const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
  problems.push(`${object?.kind} ${object?.metadata?.name}: ${message}`);
}
unlinkSync(file);

if (problems.length > 0) console.log(problems.join("\n"));
process.exit(problems.length === 0 ? 0 : 1);
