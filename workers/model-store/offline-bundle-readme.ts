/** @file The notes in an offline bundle. They are read where no page of ours is open, so they are in both languages. */
import type { Manifest } from '../../protocol/manifest.ts';

/** Notice that Gemma's terms require with every copy of the weights. */
export const GEMMA_NOTICE =
  'Gemma is provided under and subject to the Gemma Terms of Use found at ai.google.dev/gemma/terms\n';

/**
 * Tells whether Gemma's terms apply to a model.
 * @param manifest the model's manifest.
 * @returns what its licence says, or, where that is unknown, what its names suggest.
 */
export const isGemma = ({ licence, id, baseModel }: Manifest): boolean =>
  /gemma/i.test(licence === 'unknown' ? `${id} ${baseModel}` : licence);

/**
 * Writes the note that explains a bundle to whoever finds it.
 * @param manifest the model's manifest.
 * @returns text in English and French.
 */
export const bundleReadme = ({ id, revision, licence }: Manifest): string => `${id}
revision ${revision}, licence ${licence}

ENGLISH
This folder holds a language model for Fournil, a chat that runs in the browser.
1. Open your Fournil site in Chrome, Edge, Firefox or Safari.
2. Open "Models", then "Import a folder", and choose this folder (or "Import files", and choose all of them).
3. Every file is checked while it is copied. If some are missing or damaged, the page names them: choose again, and
   only what is missing is copied.
The weights keep their own licence. For Google's Gemma: https://ai.google.dev/gemma/terms

FRANÇAIS
Ce dossier contient un modèle de langue pour Fournil, un assistant qui fonctionne dans le navigateur.
1. Ouvrez votre site Fournil dans Chrome, Edge, Firefox ou Safari.
2. Ouvrez « Modèles », puis « Importer un dossier », et choisissez ce dossier (ou « Importer des fichiers », et
   choisissez-les tous).
3. Chaque fichier est vérifié pendant la copie. S'il en manque ou si certains sont abîmés, la page les nomme :
   choisissez de nouveau, et seul ce qui manque est copié.
Les poids gardent leur propre licence. Pour Gemma, de Google : https://ai.google.dev/gemma/terms
`;
