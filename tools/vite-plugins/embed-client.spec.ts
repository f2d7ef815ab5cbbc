import ts from 'typescript';
import { expect, it } from 'vitest';
import { embedClientTypes } from './embed-client.ts';

it('the declarations of the client stand alone and are right', () => {
  const name = 'embed-client.d.ts';
  const page = 'page.ts';
  const texts: Record<string, string> = {
    [name]: embedClientTypes(),
    [page]: `import { connect, type Answer, type EmbedFinish } from './embed-client.js';
      const fournil = connect(document.createElement('iframe'));
      export const answer: Promise<Answer> = fournil.generate([{ role: 'user', content: 'Hello' }], { maxNewTokens: 3 });
      export const reason = (finish: EmbedFinish): 'stop' | 'length' | 'context-full' | 'aborted' => finish.reason;
      // @ts-expect-error there is no such role
      void fournil.count([{ role: 'robot', content: '' }]);`,
  };
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  const textOf = (path: string) => texts[path.replace(/^.*\//, '')];
  host.fileExists = (path) => textOf(path) !== undefined || fileExists(path);
  host.readFile = (path) => textOf(path) ?? readFile(path);
  host.getSourceFile = (path, language, ...rest) => {
    const text = textOf(path);
    return text === undefined ? getSourceFile(path, language, ...rest) : ts.createSourceFile(path, text, language);
  };
  const problems = ts.getPreEmitDiagnostics(ts.createProgram([page], options, host));
  expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
});
