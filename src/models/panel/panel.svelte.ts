/** State shared by the parts of the models panel: the stores, the device, and the consent to Gemma's terms. */
import type { DeviceReport } from '../../../protocol/engine.ts';
import type { ModelPlan, StoredModel } from '../../../protocol/store.ts';
import { writeStored, readStored } from '../../settings/storage.ts';
import { CATALOGUE, type SiteModel, siteModels } from '../catalogue.ts';
import type { Library } from '../library.svelte.ts';
import type { ModelStore } from '../model.svelte.ts';
import type { Machine } from '../verdict.ts';

const TERMS = 'gemma-terms';

/** Only Chromium tells, and it rounds. */
const deviceMemory = (): number | undefined => (navigator as { deviceMemory?: number }).deviceMemory;

export class Panel {
  device = $state.raw<DeviceReport | null>(null);
  site = $state.raw<SiteModel[]>([]);
  /** Models that were looked up by name since the page was opened. */
  found = $state.raw<ModelPlan[]>([]);
  termsAccepted = $state(readStored(TERMS) !== null);

  constructor(
    readonly models: ModelStore,
    readonly library: Library,
    /** Closes the panel, since the page shows the progress. */
    private readonly close: () => void,
  ) {}

  get machine(): Machine | null {
    return this.device && { device: this.device, deviceMemory: deviceMemory(), free: this.library.free };
  }

  /** Stored or looked-up models that are neither in the catalogue nor of this site. */
  get others(): ModelPlan[] {
    const { library } = this;
    const named = [
      ...CATALOGUE.map(({ repo }) => library.storedFrom({ kind: 'hub', repo })?.key),
      ...this.site.map(({ source }) => library.storedFrom(source)?.key),
    ];
    const stored = library.models.filter(({ key }) => !named.includes(key));
    return [...stored, ...this.found.filter(({ key }) => !stored.some((model) => model.key === key))];
  }

  /** Called each time the panel opens, since quota and device can change. */
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
    writeStored(TERMS, 'accepted');
    this.termsAccepted = true;
  }

  use(model: Pick<StoredModel, 'key' | 'id'> | null): void {
    void this.models.use(model && { key: model.key, id: model.id });
    this.close();
  }

  /** Deletes models. The model in use is unloaded first. */
  async remove(key: string | null): Promise<void> {
    const { choice } = this.models;
    if (choice && (key === null || key === choice.key)) await this.models.use(null);
    await this.library.remove(key);
  }
}
