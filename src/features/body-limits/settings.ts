export const bodyLimitsName = 'body_limits';
