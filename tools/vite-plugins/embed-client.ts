/**
 * @file The client for pages that embed the site, as a file of its own that they copy or import: `embed-client.js`,
 * without a hash in its name and without imports, and its declarations.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import type { Plugin } from 'vite';

const SCRIPT = 'src/embed-client/client.ts';
/** The types of the client's messages. */
const PROTOCOL = 'protocol/embed.ts';

function declarationsOf(path: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(readFileSync(path, 'utf8'), {
    fileName: path,
    compilerOptions: { isolatedDeclarations: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const [first] = diagnostics;
  if (first) throw new Error(`${path}: ${ts.flattenDiagnosticMessageText(first.messageText, '\n')}`);
  return outputText;
}

/** @returns the declarations of both files in one, without the imports and re-exports between them. */
export const embedClientTypes = (): string =>
  [PROTOCOL, SCRIPT]
    .map(declarationsOf)
    .join('\n')
    .replace(/^(import|export) (type )?[{*][^;]*from [^;]*;\n/gm, '');

export const embedClient: Plugin = {
  name: 'embed-client',
  apply: 'build',
  buildStart() {
    this.emitFile({ type: 'chunk', id: SCRIPT, fileName: 'embed-client.js', preserveSignature: 'strict' });
    this.emitFile({ type: 'asset', fileName: 'embed-client.d.ts', source: embedClientTypes() });
  },
  generateBundle(_options, bundle) {
    const chunk = bundle['embed-client.js'];
    if (chunk?.type === 'chunk' && chunk.imports.length > 0)
      this.error(`embed-client.js would import ${chunk.imports.join(', ')}: it must stand alone`);
  },
};
