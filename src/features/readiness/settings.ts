export const readinessName = 'readiness';
