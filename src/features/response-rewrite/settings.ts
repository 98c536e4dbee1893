export const responseRewriteName = 'response_rewrite';

/** What of an application's responses is changed into what its clients see. */
export interface ResponseRewriteSpec {
  /** What paths begin with, for clients and for the application; null: it is the same. */
  readonly prefix: PathPrefixes | null;
  /** Null: URLs stay. */
  readonly urls: UrlChange | null;
  /** Null: cookies stay. */
  readonly cookies: CookieChange | null;
}

export interface PathPrefixes {
  readonly ofClients: string;
  readonly ofApplication: string;
}

export interface UrlChange {
  /** Paths without a host too, and URLs with the host of the request. */
  readonly paths: boolean;
  /** Further names of the application, lowercase, some with a port. */
  readonly hosts: readonly string[];
}

export interface CookieChange {
  /** 'auto': by `prefix`; 'keep'; or the path itself. */
  readonly path: string;
  /** 'auto': that of the application is removed; 'keep'; 'none'; or the domain itself. */
  readonly domain: string;
  /** Null: as the application has it. */
  readonly secure: boolean | null;
  readonly httpOnly: boolean | null;
  readonly sameSite: 'lax' | 'strict' | 'none' | null;
}
