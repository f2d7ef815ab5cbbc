/**
 * Tells whether a browser will ever ask for a file. It runs only one of onnxruntime's two WebGPU builds: the one with JSPI
 * (JavaScript Promise Integration) where WebAssembly has it, else the one that was compiled with Asyncify.
 * @param webAssembly the browser's `WebAssembly` object.
 * @param url of the file.
 * @returns false for files of the build that the browser does not run.
 */
export const isUsedBy = (webAssembly: object, url: string): boolean =>
  !('Suspending' in webAssembly ? /\/ort\b.*\b(asyncify|webgpu)\b/ : /\/ort\b.*\bjspi\b/).test(url);
