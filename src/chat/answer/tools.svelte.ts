/** The highlighter and the typesetter. Each is loaded when an answer first needs it, and shared by all answers. */
import { i18n } from '../../i18n/i18n.svelte.ts';
import type { Rendered, Tools } from './markdown.ts';

class AnswerTools implements Tools {
  highlight = $state.raw<Tools['highlight']>(null);
  typeset = $state.raw<Tools['typeset']>(null);
  private readonly asked = { highlight: false, typeset: false };

  get copy(): string {
    return i18n.t('answer.copyCode');
  }

  /** If a tool cannot be loaded the source stays readable, and the next answer tries again. */
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
