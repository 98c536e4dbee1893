import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { answerText } from '../api.ts';
import type { SessionJson } from '../model.ts';
import { address, api, follow, go } from './state.ts';

/** Signs in with a token, which the browser sends once and does not keep. */
export function LoginPage(): JSX.Element {
  const [token, setToken] = useState('');
  const [failure, setFailure] = useState('');
  const [isSending, setSending] = useState(false);
  const signIn = async (event: Event): Promise<void> => {
    event.preventDefault();
    setSending(true);
    const answer = await api.signIn<SessionJson>(token.trim());
    setSending(false);
    if (answer.kind !== 'ok') return setFailure(answer.kind === 'not_offered' ? noSessions : answerText(answer));
    setToken('');
    if (address.value.page === 'login') go('now');
    await follow();
  };
  return (
    <main id="main" class="login" tabIndex={-1}>
      <h1>Candor</h1>
      {address.value.parameters['why'] === 'link' && (
        <p class="warning" role="alert">
          This link was used already, or is older than a minute. Run <code>candor dashboard</code> again, or sign in
          with a token.
        </p>
      )}
      <form onSubmit={(event) => void signIn(event)}>
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          aria-describedby="token-help"
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
        <p id="token-help" class="quiet">
          <code>candor token NAME</code> makes one. On the machine of the gateway, <code>candor dashboard</code> opens
          this page without a token.
        </p>
        {failure !== '' && (
          <p class="failure" role="alert">
            {failure}
          </p>
        )}
        <button type="submit" class="primary" disabled={isSending}>
          Sign in
        </button>
      </form>
    </main>
  );
}

const noSessions = 'This gateway has no login for browsers.';
