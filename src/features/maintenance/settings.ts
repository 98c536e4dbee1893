export const maintenanceName = 'maintenance';

/** The operator has closed the route for a while. */
export interface MaintenanceSpec {
  readonly message: string;
  readonly retryAfterS: number;
}

/** Also of routes that are closed at run time. */
export const maintenanceDefaults: MaintenanceSpec = {
  message: 'We are working on this service. Please come back in a few minutes.',
  retryAfterS: 300,
};
