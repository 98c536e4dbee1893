export const basicName = 'basic';

export interface BasicSpec {
  /** What stands in the file of users. */
  readonly usersText: string;
  /** Whether endpoints get the password too. */
  readonly passesCredentials: boolean;
}
