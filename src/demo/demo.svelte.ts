/**
 * A prepared demonstration: a key sends the starters of a lesson one after the other, in conversations that are not saved.
 * Before it begins, everything that it needs is checked: the prompts and their pictures, the model, its first answer, and
 * whether the page opens offline.
 */
import { Conversation } from '../chat/conversation/conversation.svelte.ts';
import { asEngineError, type ModelStore } from '../models/model.svelte.ts';
import type { Offline } from '../offline/offline.svelte.ts';
import type { Lesson } from '../lessons/lesson.ts';
import { picturesOf } from '../lessons/lesson-pictures.ts';

interface Prompt {
  text: string;
  pictures: File[];
}

export const CHECKS = ['prompts', 'model', 'warm', 'offline'] as const;
export type Check = (typeof CHECKS)[number];
export type Outcome = 'waiting' | 'good' | 'bad';

type Models = Pick<ModelStore, 'state' | 'ready' | 'generate'>;

export class Demo {
  conversation = $state.raw<Conversation>() as Conversation;
  prompts = $state.raw<readonly Prompt[]>([]);
  /** Number of prompts that have been sent. */
  step = $state(0);
  /** Seconds to the first token of the warm-up answer; null before it. */
  firstToken = $state.raw<number | null>(null);
  private promptsFailed = $state(false);
  private warm = $state<Outcome>('waiting');
  /** A prompt is being sent, which begins a little later than the key. */
  private asking = false;

  constructor(
    readonly lesson: Lesson,
    private readonly models: ModelStore,
    private readonly offline: Pick<Offline, 'stored'>,
    private readonly base: string,
  ) {
    this.reset();
  }

  readonly checks: Record<Check, Outcome> = $derived.by(() => {
    const { is } = this.models.state;
    return {
      prompts: this.promptsFailed ? 'bad' : this.prompts.length > 0 ? 'good' : 'waiting',
      model: is === 'ready' ? 'good' : is === 'loading' ? 'waiting' : 'bad',
      warm: this.warm,
      offline: this.offline.stored ? 'good' : 'waiting',
    };
  });

  readonly allGood: boolean = $derived(Object.values(this.checks).every((outcome) => outcome === 'good'));

  /** The prompt that is sent next; null at the end. */
  get next(): Prompt | null {
    return this.prompts[this.step] ?? null;
  }

  /** Checks everything, and warms up the model with the first prompt. Never rejects: a failure is an outcome. */
  async prepare(): Promise<void> {
    this.promptsFailed = false;
    try {
      this.prompts = await Promise.all(
        this.lesson.starters.map(async ({ text, pictures }) => ({
          text,
          pictures: await picturesOf(this.lesson, pictures, this.base),
        })),
      );
    } catch {
      this.promptsFailed = true;
    }
    await this.warmUp(this.models);
  }

  /** Sends the next prompt. */
  async forward(): Promise<void> {
    const { next } = this;
    if (!next || this.asking || this.conversation.busy) return;
    this.asking = true;
    this.step += 1;
    await this.conversation.askAbout(next.text, next.pictures);
    this.asking = false;
  }

  /** Starts again with an empty conversation. */
  reset(): void {
    this.conversation?.discard();
    const { system, sampling, maxNewTokens } = this.lesson;
    const settings = { system, sampling, ...(maxNewTokens === undefined ? {} : { maxNewTokens }) };
    this.conversation = new Conversation(this.models, { settings, private: true });
    this.step = 0;
  }

  private async warmUp(models: Models): Promise<void> {
    this.warm = 'waiting';
    const { signal } = new AbortController();
    const [first] = this.prompts;
    const text = first?.text ?? this.lesson.title;
    const pictures = (first?.pictures ?? []).map((image) => ({ type: 'image' as const, image }));
    try {
      await models.ready(signal);
      const content = [...pictures, { type: 'text' as const, text }];
      const finish = await models.generate([{ role: 'user', content }], {
        maxNewTokens: 2,
        signal,
        onDelta: () => undefined,
      });
      this.firstToken = finish.timing.timeToFirstToken / 1000;
      this.warm = 'good';
    } catch (cause) {
      console.error('The model could not be warmed:', asEngineError(cause));
      this.warm = 'bad';
    }
  }
}
