/** Colours for code and the typesetting of formulas: each is fetched when an answer first wants it, and then for all. */
import { i18n } from '../../i18n/i18n.svelte.ts';
import type { Rendered, Tools } from './markdown.ts';

class AnswerTools implements Tools {
  highlight = $state.raw<Tools['highlight']>(null);
  typeset = $state.raw<Tools['typeset']>(null);
  private readonly asked = { highlight: false, typeset: false };

  get copy(): string {
    return i18n.t('answer.copyCode');
  }

  /** Without a tool (the network failed) the source stays readable; the next answer asks again. */
  load({ highlight, typeset }: Rendered['wants']): void {
    if (highlight && !this.asked.highlight) {
      this.asked.highlight = true;
      void import('./highlighter.ts').then(
        (module) => (this.highlight = module.highlight),
        () => (this.asked.highlight = false),
      );
    }
    if (typeset && !this.asked.typeset) {
      this.asked.typeset = true;
      void import('./typesetter.ts').then(
        (module) => (this.typeset = module.typeset),
        () => (this.asked.typeset = false),
      );
    }
  }
}

export const answerTools = new AnswerTools();
