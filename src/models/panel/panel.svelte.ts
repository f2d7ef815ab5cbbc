/** What the parts of the models panel share: the stores, this computer, and what was agreed to. */
import type { DeviceReport } from '../../../protocol/engine.ts';
import type { ModelPlan, StoredModel } from '../../../protocol/store.ts';
import { keep, recall } from '../../settings/storage.ts';
import { CATALOGUE, type SiteModel, siteModels } from '../catalogue.ts';
import type { Library } from '../library.svelte.ts';
import type { ModelStore } from '../model.svelte.ts';
import type { Machine } from '../verdict.ts';

const TERMS = 'gemma-terms';

/** In Chromium only, and rounded. */
const deviceMemory = (): number | undefined => (navigator as { deviceMemory?: number }).deviceMemory;

export class Panel {
  device = $state.raw<DeviceReport | null>(null);
  site = $state.raw<SiteModel[]>([]);
  /** Models that were looked up by name since the panel was opened. */
  found = $state.raw<ModelPlan[]>([]);
  termsAccepted = $state(recall(TERMS) !== null);

  constructor(
    readonly models: ModelStore,
    readonly library: Library,
    /** Closes the panel: the page shows what comes. */
    private readonly close: () => void,
  ) {}

  get machine(): Machine | null {
    return this.device && { device: this.device, deviceMemory: deviceMemory(), free: this.library.free };
  }

  /** Stored or found models that neither the catalogue nor the site names. */
  get others(): ModelPlan[] {
    const { library } = this;
    const named = [
      ...CATALOGUE.map(({ repo }) => library.storedFrom({ kind: 'hub', repo })?.key),
      ...this.site.map(({ source }) => library.storedFrom(source)?.key),
    ];
    const stored = library.models.filter(({ key }) => !named.includes(key));
    return [...stored, ...this.found.filter(({ key }) => !stored.some((model) => model.key === key))];
  }

  /** Each time the panel is opened: rooms and devices change. */
  async refresh(): Promise<void> {
    const looks = [
      this.library.open(),
      this.models.engine.inspect().then(
        (device) => (this.device = device),
        () => undefined,
      ),
      siteModels(document.baseURI).then((site) => (this.site = site)),
    ];
    await Promise.all(looks);
  }

  acceptTerms(): void {
    keep(TERMS, 'accepted');
    this.termsAccepted = true;
  }

  use(model: Pick<StoredModel, 'key' | 'id'> | null): void {
    void this.models.use(model && { key: model.key, id: model.id });
    this.close();
  }

  /** The model in use leaves the engine before its files go. */
  async remove(key: string | null): Promise<void> {
    const { choice } = this.models;
    if (choice && (key === null || key === choice.key)) await this.models.use(null);
    await this.library.remove(key);
  }
}
