/** The offline copy of the app: whether it is complete, and whether an update waits for the person's consent. */
import type { ToServiceWorker } from '../../protocol/service-worker.ts';

export class Offline {
  /** The app opens without a network. */
  stored = $state(false);
  /** A newer version is stored completely. */
  updateReady = $state(false);
  private registration: ServiceWorkerRegistration | undefined;

  /** @param page is reloaded for a new version */
  constructor(
    private readonly workers: () => ServiceWorkerContainer = () => navigator.serviceWorker,
    private readonly page: Pick<Location, 'reload'> = location,
  ) {}

  /** Registers the service worker, which stores the app or looks for an update. */
  async start(script: URL): Promise<void> {
    if (this.registration) return;
    try {
      const registration = await this.workers().register(script);
      this.registration = registration;
      this.send(registration.active, 'page-opened');
      registration.addEventListener('updatefound', () => this.watchInstalling());
      this.watchInstalling();
    } catch {
      // Service workers may be refused (private windows, no https). The page then needs the network.
    }
  }

  /** Activates the new version and reloads this page. Other tabs keep their version until they are reloaded. */
  reload(): void {
    const waiting = this.registration?.waiting;
    if (!waiting) {
      // Another tab has activated the new version already.
      this.page.reload();
      return;
    }
    this.workers().addEventListener('controllerchange', () => this.page.reload(), { once: true });
    this.send(waiting, 'take-over');
  }

  later(): void {
    this.updateReady = false;
  }

  private send(worker: ServiceWorker | null, message: ToServiceWorker): void {
    worker?.postMessage(message);
  }

  private watchInstalling(): void {
    this.registration?.installing?.addEventListener('statechange', () => this.update());
    this.update();
  }

  private update(): void {
    const { active, waiting } = this.registration ?? {};
    this.stored = !!active;
    if (active && waiting) this.updateReady = true;
  }
}
