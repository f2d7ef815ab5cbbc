/** tools/vite-plugins/on-demand.ts */
declare module 'on-demand:*' {
  /** Path of the package's folder. */
  const folder: string;
  export default folder;
}
