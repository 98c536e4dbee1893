import type { GatewayStatus } from '../../core/schemas/status.ts';

export const maintenanceWindowsName = 'maintenance_windows';

/** At which times a route is closed. */
export interface MaintenanceWindowsSpec {
  readonly windows: readonly MaintenanceWindowSpec[];
}

export interface MaintenanceWindowSpec {
  /** When it begins, in cron's words. */
  readonly schedule: string;
  /** Null: that of the machine. */
  readonly timeZone: string | null;
  readonly lengthMs: number;
  readonly message: string;
  /** Networks whose clients pass. */
  readonly allow: readonly string[];
}

export type MaintenanceWindowsStatus = Pick<GatewayStatus, 'maintenanceWindows'>;
