import type { BootCase } from './boot-case.ts';

const goBuild = 'go build -o app main.go';
const goServe = `http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("ok")) })\n`;
const goHolder = {
  'holder.sh': `exec python3 -c "
import socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('127.0.0.1', OTHERPORT))
s.listen()
open('beside-up', 'w').close()
time.sleep(120)
"
`,
};
const beside = ['sh', 'holder.sh'];

export const goCases: readonly BootCase[] = [
  {
    name: 'go-panic',
    language: 'go',
    what: 'writes into a nil map in line 7',
    files: {
      'main.go': `package main

var prices map[string]int

func load() {
	// The map was never made.
	prices["tea"] = 3
}

func main() {
	load()
}
`,
    },
    before: goBuild,
    command: './app',
    expected: { from: 'exit', facts: [/assignment to entry in nil map/, /main\.go:7/] },
  },
  {
    name: 'go-nil-pointer',
    language: 'go',
    what: 'dereferences nil in line 6, which Go reports with a signal of its own and exit 2',
    files: {
      'main.go': `package main

type shop struct{ name string }

func title(s *shop) string {
	return s.name
}

func main() {
	println(title(nil))
}
`,
    },
    before: 'go build -gcflags=-l -o app main.go',
    command: './app',
    expected: {
      from: 'exit',
      facts: [/nil pointer dereference/, /main\.go:6/],
      wrong: [/killed by (?:signal )?SIGSEGV/],
    },
  },
  {
    name: 'go-address-in-use',
    language: 'go',
    what: 'log.Fatal of ListenAndServe at a port that another process has',
    files: {
      ...goHolder,
      'main.go': `package main

import (
	"log"
	"net/http"
)

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:OTHERPORT", nil))
}
`,
    },
    before: goBuild,
    beside,
    command: './app',
    expected: {
      from: 'exit',
      facts: [/address already in use/i, /OTHERPORT/],
      better: [/\bOTHERPID\b/],
      may: ['port taken'],
    },
  },
  {
    name: 'go-port-without-colon',
    language: 'go',
    what: 'gives ListenAndServe the port alone',
    files: {
      'main.go': `package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	log.Fatal(http.ListenAndServe(os.Getenv("PORT"), nil))
}
`,
    },
    before: goBuild,
    command: './app',
    expected: { from: 'exit', facts: [/missing port in address/] },
  },
  {
    name: 'go-deadlock',
    language: 'go',
    what: 'waits for a channel to which no goroutine writes',
    files: { 'main.go': `package main\n\nfunc main() {\n\tready := make(chan bool)\n\t<-ready\n}\n` },
    before: goBuild,
    command: './app',
    expected: { from: 'exit', facts: [/all goroutines are asleep|deadlock/], better: [/main\.go:5/] },
  },
  {
    name: 'go-unknown-flag',
    language: 'go',
    what: 'a flag that the program does not have, and its usage after it',
    files: {
      'main.go': `package main

import "flag"

func main() {
	flag.String("addr", "", "address to listen on")
	flag.String("config", "", "configuration file")
	flag.Parse()
}
`,
    },
    before: goBuild,
    command: './app -prot 80',
    expected: { from: 'exit', facts: [/flag provided but not defined: -prot/] },
  },
  {
    name: 'go-run-does-not-compile',
    language: 'go',
    what: 'go run of a program that does not compile',
    files: { 'main.go': `package main\n\nfunc main() {\n\tserveShop()\n}\n` },
    command: 'go run main.go',
    expected: { from: 'exit', facts: [/main\.go:4/, /undefined: serveShop/] },
  },
  {
    name: 'go-wrong-architecture',
    language: 'go',
    what: 'built for another processor',
    files: { 'main.go': 'package main\n\nfunc main() {}\n' },
    before:
      'if [ "$(uname -m)" = aarch64 ]; then GOARCH=amd64 go build -o app main.go; else GOARCH=arm64 go build -o app main.go; fi',
    command: './app',
    expected: {
      from: 'start',
      plusMs: 1000,
      facts: [/architecture|arm64|aarch64|amd64|x86.64|another (?:machine|processor)|exec format/i],
      may: ['no such command'],
      wrong: [/app (?:does not exist|was not found)/],
    },
  },
];

const javaBuild = (file = 'Main.java'): string => `javac ${file}`;

export const javaCases: readonly BootCase[] = [
  {
    name: 'java-class-not-found',
    language: 'java',
    what: 'the main class is not on the class path',
    files: { 'Main.java': 'class Main { public static void main(String[] a) {} }\n' },
    before: javaBuild(),
    command: 'java -cp . com.example.shop.Main',
    expected: {
      from: 'exit',
      facts: [
        /Could not find or load main class com\.example\.shop\.Main|ClassNotFoundException: com\.example\.shop\.Main/,
      ],
    },
  },
  {
    name: 'java-class-version',
    language: 'java',
    what: 'compiled for a later Java than this one',
    files: { 'Main.java': 'class Main { public static void main(String[] a) {} }\n' },
    before: `${javaBuild()} && printf '\\000\\143' | dd of=Main.class bs=1 seek=6 count=2 conv=notrunc 2>/dev/null`,
    command: 'java -cp . Main',
    expected: {
      from: 'exit',
      facts: [/UnsupportedClassVersionError|compiled by a more recent version|newer Java/, /Main/],
      better: [/\b99(?:\.0)?\b/],
    },
  },
  {
    name: 'java-no-jar',
    language: 'java',
    what: 'the jar is not there',
    command: 'java -jar target/shop-1.0.jar',
    expected: {
      from: 'exit',
      facts: [/target\/shop-1\.0\.jar/, /Unable to access jarfile|not (?:there|found)|does not exist/],
    },
  },
  {
    name: 'java-caused-by',
    language: 'java',
    what: 'an exception in an exception: the last cause is what counts, in line 5',
    files: {
      'Main.java': `class Main {
  static class Context {
    static String url() {
      String url = System.getenv("DATABASE_URL_OF_SHOP");
      if (url == null) throw new IllegalStateException("DATABASE_URL_OF_SHOP is not set");
      return url;
    }
  }
  static void refresh() {
    try {
      Context.url();
    } catch (RuntimeException e) {
      throw new RuntimeException("Error creating bean with name 'dataSource'", e);
    }
  }
  public static void main(String[] a) {
    refresh();
  }
}
`,
    },
    before: javaBuild(),
    command: 'java -cp . Main',
    expected: { from: 'exit', facts: [/DATABASE_URL_OF_SHOP is not set/], better: [/Main\.java:5/, /dataSource/] },
  },
  {
    name: 'java-address-in-use',
    language: 'java',
    what: 'a ServerSocket at a port that another process has; Java does not name the port',
    files: {
      ...goHolder,
      'Main.java': `import java.net.*;
class Main {
  public static void main(String[] a) throws Exception {
    new ServerSocket(OTHERPORT, 50, InetAddress.getByName("127.0.0.1")).accept();
  }
}
`,
    },
    before: javaBuild(),
    beside,
    command: 'java -cp . Main',
    expected: {
      from: 'exit',
      facts: [/Address already in use/i],
      better: [/OTHERPORT/, /Main\.java:4/],
      may: ['port taken'],
    },
  },
  {
    name: 'java-heap-full',
    language: 'java',
    what: 'the heap of 16 MiB is full',
    files: {
      'Main.java': `import java.util.*;
class Main {
  public static void main(String[] a) {
    List<byte[]> all = new ArrayList<>();
    while (true) all.add(new byte[1 << 20]);
  }
}
`,
    },
    before: javaBuild(),
    command: 'java -Xmx16m -cp . Main',
    expected: {
      from: 'exit',
      facts: [/OutOfMemoryError|Java heap space/],
      better: [/-Xmx|16 ?m/i, /Main\.java:5/],
      may: ['memory'],
    },
  },
  {
    name: 'java-unknown-option',
    language: 'java',
    what: 'an option of the JVM that was removed',
    files: { 'Main.java': 'class Main { public static void main(String[] a) {} }\n' },
    before: javaBuild(),
    command: 'java -XX:+UseShopMarkSweepGC -cp . Main',
    expected: { from: 'exit', facts: [/Unrecognized VM option 'UseShopMarkSweepGC'/] },
  },
  {
    name: 'java-spring-words',
    language: 'java',
    what: 'a Spring start that fails: banner, lines, and a description with the port, which another process has',
    files: {
      ...goHolder,
      'Main.java': `class Main {
  public static void main(String[] a) {
    System.out.println("  .   ____          _            __ _ _");
    System.out.println(" :: Spring Boot ::                (v3.2.1)");
    System.out.println("2026-11-28T02:40:11.120Z  INFO 1 --- [main] shop.Application : Starting Application using Java 17");
    System.out.println("");
    System.out.println("***************************");
    System.out.println("APPLICATION FAILED TO START");
    System.out.println("***************************");
    System.out.println("");
    System.out.println("Description:");
    System.out.println("");
    System.out.println("Web server failed to start. Port OTHERPORT was already in use.");
    System.out.println("");
    System.out.println("Action:");
    System.out.println("");
    System.out.println("Identify and stop the process that's listening on port OTHERPORT or configure this application to listen on another port.");
    System.out.println("");
    System.exit(1);
  }
}
`,
    },
    before: javaBuild(),
    beside,
    command: 'java -cp . Main',
    expected: {
      from: 'exit',
      facts: [/[Pp]ort OTHERPORT was already in use|OTHERPORT.{0,40}in use/],
      better: [/\bOTHERPID\b/],
      may: ['port taken'],
    },
  },
  {
    name: 'java-wrong-interface',
    language: 'java',
    what: 'listens on 127.0.0.3 alone',
    files: {
      'Main.java': `import java.net.*;
import java.nio.file.*;
class Main {
  public static void main(String[] a) throws Exception {
    int port = Integer.parseInt(System.getenv("PORT"));
    ServerSocket s = new ServerSocket(port, 50, InetAddress.getByName("127.0.0.3"));
    Files.writeString(Path.of("seen"), "");
    while (true) s.accept().close();
  }
}
`,
    },
    before: javaBuild(),
    command: 'java -cp . Main',
    expected: { from: 'seen', facts: [/127\.0\.0\.3/], may: ['wrong port'] },
  },
];

export const compiledControls: readonly BootCase[] = [
  {
    name: 'good-go-all-addresses',
    language: 'go',
    what: 'listens on all addresses after three seconds',
    files: {
      'main.go': `package main

import (
	"net/http"
	"os"
	"time"
)

func main() {
	time.Sleep(3 * time.Second)
	${goServe}	http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
`,
    },
    before: goBuild,
    command: './app',
    expected: { readyWithinMs: 9000 },
  },
  {
    name: 'good-java',
    language: 'java',
    what: 'the HTTP server of the JDK, with warnings before it',
    files: {
      'Main.java': `import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
class Main {
  public static void main(String[] a) throws Exception {
    System.err.println("WARNING: An illegal reflective access operation has occurred");
    System.err.println("java.net.ConnectException: Connection refused (cache is optional, going on)");
    int port = Integer.parseInt(System.getenv("PORT"));
    HttpServer s = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 50);
    s.createContext("/", e -> { e.sendResponseHeaders(200, 2); e.getResponseBody().write("ok".getBytes()); e.close(); });
    s.start();
  }
}
`,
    },
    before: javaBuild(),
    command: 'java -cp . Main',
    expected: { readyWithinMs: 10_000, wrong: [/Connection refused \(cache/] },
  },
];
