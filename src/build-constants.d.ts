/** Origins of models besides the hub, from FOURNIL_MODEL_ORIGINS when the site was built (vite.config.ts). */
declare const __MODEL_ORIGINS__: readonly string[];

/** Fournil's version, from package.json (vite.config.ts). */
declare const __VERSION__: string;
