/** How a target of `alerts` is reached: each is a key of the target. */
export const alertChannelTypes = ['webhook', 'slack', 'discord', 'pagerduty', 'smtp', 'command'] as const;
