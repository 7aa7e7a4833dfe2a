# Functions of ./test: the steps, the peers, and what each peer needs. Sourced, not run.
# A peer is a function that returns 0 (passed), 77 (skipped; it calls `skip REASON` first) or anything else (failed).

passed=0 failed=0 skipped=0
peer_lines=()
skip_reason="" skip_is_failure=no

step() { printf '\n==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }

# Ends a peer as skipped: `skip REASON || return`. With --missing, strict runs count it as failed.
skip() {
  skip_is_failure=no
  if [ "$1" = --missing ]; then skip_is_failure=$strict; shift; fi
  skip_reason="$*"
  return 77
}

peer() {
  local name=$1 function=$2 began=$SECONDS status=0
  step "Peer: $name"
  skip_reason=""
  "$function" || status=$?
  local took="$((SECONDS - began)) s"
  if [ "$status" -eq 0 ]; then
    passed=$((passed + 1)) && peer_lines+=("passed   $name ($took)")
  elif [ "$status" -eq 77 ] && [ "$skip_is_failure" = no ]; then
    skipped=$((skipped + 1)) && peer_lines+=("skipped  $name: $skip_reason")
  else
    failed=$((failed + 1)) && peer_lines+=("FAILED   $name ($took)${skip_reason:+: $skip_reason}")
  fi
  note "${peer_lines[-1]}"
}

# What the Rust tests start by themselves. Those that lack a program say so and pass.
rust_test_programs() {
  local missing=()
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
  command -v strace >/dev/null || missing+=(strace)
  command -v pgbouncer >/dev/null || missing+=(pgbouncer)
  command -v age >/dev/null || missing+=(age)
  [ "${#missing[@]}" -eq 0 ] && return
  if [ "$quick" = yes ]; then
    note "quick: not installed, so their tests are skipped: ${missing[*]}"
    return
  fi
  debian_packages "${missing[@]}" || note "tests that need them are skipped: ${missing[*]}"
}

run_rust_tests() {
  rust_test_programs
  # What a passing test prints is not shown, so the absence of the official vectors is said here.
  local vectors=${YUFU_VECTORS:-../shared/vectors}
  if [ -d "$vectors" ]; then
    note "official test vectors: $vectors"
  else
    note "official test vectors ABSENT: $vectors is not there, so tests/vectors checks nothing (YUFU_VECTORS names another folder)"
  fi
  if cargo nextest --version >/dev/null 2>&1; then
    note "cargo nextest run"
    cargo nextest run --no-fail-fast && note "cargo test --doc" && cargo test --doc
  else
    note "cargo test (cargo-nextest is not installed)"
    cargo test --no-fail-fast --lib --bins --tests && cargo test --doc
  fi
}

# ---- What peers need -------------------------------------------------------------------------------------------------

apt_updated=no
# Debian packages by name; succeeds when they are there afterwards.
debian_packages() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    note "not installed here (needs root and apt): $*"
    return 1
  fi
  if [ "$apt_updated" = no ]; then
    note "apt-get update"
    apt-get update -qq || return 1
    apt_updated=yes
  fi
  note "apt-get install $*"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Node 20 or later, and the packages of DIR exactly as its lock file has them. No package runs a script at installation.
node_packages() {
  local dir=$1
  command -v node >/dev/null && command -v npm >/dev/null || { skip --missing "Node.js and npm are not installed (20 or later is needed)"; return; }
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 20 ] || { skip --missing "Node.js $(node -v) is too old (20 or later is needed)"; return; }
  local stamp="$dir/node_modules/.lock-installed"
  if cmp -s "$dir/package-lock.json" "$stamp"; then
    note "Node packages of $dir: already as the lock file says"
    return 0
  fi
  note "npm ci --ignore-scripts in $dir"
  (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) || { skip --missing "npm ci failed in $dir"; return; }
  cp "$dir/package-lock.json" "$stamp"
}

# Python 3 and the pinned packages in an environment of their own beside the tests.
python_packages() {
  local dir=$1 env="$1/.venv"
  command -v python3 >/dev/null || { skip --missing "python3 is not installed"; return; }
  if cmp -s "$dir/requirements.txt" "$env/.requirements-installed"; then
    note "Python packages of $dir: already as requirements.txt says"
    return 0
  fi
  note "python3 -m venv $env"
  rm -rf "$env"
  if ! python3 -m venv "$env" >/dev/null 2>&1; then
    note "this Python cannot make environments: it lacks Debian's python3-venv"
    rm -rf "$env"
    debian_packages python3-venv && python3 -m venv "$env" || { skip --missing "python3 -m venv fails (install python3-venv)"; return; }
  fi
  note "pip install -r $dir/requirements.txt"
  "$env/bin/python" -m pip install --quiet --disable-pip-version-check -r "$dir/requirements.txt" || { skip --missing "pip install failed"; return; }
  cp "$dir/requirements.txt" "$env/.requirements-installed"
}

# The openssl command makes the peers' own certificate authority.
openssl_command() {
  command -v openssl >/dev/null || debian_packages openssl || { skip --missing "the openssl command is not installed"; return; }
}

# ---- The peers -------------------------------------------------------------------------------------------------------

# A port of this machine that nobody listens at now.
free_port() {
  local candidate
  for _ in $(seq 50); do
    candidate=$((32100 + RANDOM % 600))
    (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || { echo "$candidate"; return; }
  done
  return 1
}

node_tests() { tests/interop/with-server node --test --test-reporter=spec "$@"; }

node_wallet() {
  node_packages tests/interop/node || return
  node_tests tests/interop/node/wallet.test.mjs
}

# The service asks for all of HAIP and trusts the attester of the test, which vouches for the wallet and its keys.
node_haip() {
  node_packages tests/interop/node && openssl_command || return
  with_attester node_tests tests/interop/node/haip.test.mjs
}

with_attester() {
  local attester status=0
  attester=$(mktemp -d "${TMPDIR:-/tmp}/yufu-attester.XXXXXX")
  tests/interop/node/attester "$attester" || { rm -rf "$attester"; return 1; }
  YUFU_ATTESTER=$attester YUFU_PREPARE_TRUST=$attester/trust \
    YUFU_SERVE_ARGS="--profile haip --credential-types $attester/credential-types" "$@" || status=$?
  rm -rf "$attester"
  return "$status"
}

node_sd_jwt() {
  node_packages tests/interop/node && openssl_command || return
  node_tests tests/interop/node/sdjwt.test.mjs
}

node_sd_jwt_ed25519() {
  node_packages tests/interop/node && openssl_command || return
  YUFU_SERVE_ARGS="--signing Ed25519" node_tests tests/interop/node/sdjwt.test.mjs
}

# The wallet is asked under each client identifier prefix that the library knows. A DNS name is not an address, so that one is
# asked by the name of this machine.
node_presentation() {
  node_packages tests/interop/node || return
  node_tests tests/interop/node/presentation.test.mjs
}

node_presentation_dns_name() {
  node_packages tests/interop/node || return
  YUFU_HOST=localhost YUFU_INTEROP_PREFIX=x509_san_dns YUFU_SERVE_ARGS="--client-id-prefix x509_san_dns" \
    node_tests tests/interop/node/presentation.test.mjs
}

node_presentation_unsigned() {
  node_packages tests/interop/node || return
  YUFU_INTEROP_PREFIX=redirect_uri YUFU_SERVE_ARGS="--client-id-prefix redirect_uri" node_tests tests/interop/node/presentation.test.mjs
}

# The province's login: a provider of others, in each way that a province may have one. The service keeps what a provider says for
# ten minutes, so each way has a service of its own.
node_province() {
  node_packages tests/interop/node && node_packages tests/interop/province || return
  local port secret kind status=0
  secret=$(mktemp "${TMPDIR:-/tmp}/yufu-login.XXXXXX")
  echo 'a secret that only the two of them know' >"$secret"
  for kind in userinfo id-token es256 eddsa ps256; do
    port=$(free_port) || { status=1; break; }
    YUFU_LOGIN_KIND=$kind YUFU_LOGIN_PORT=$port YUFU_SERVE_ARGS="--login-issuer http://127.0.0.1:$port --login-client-id yufu \
      --login-client-secret-file $secret --login-scopes identity" node_tests tests/interop/province/province.test.mjs || status=$?
  done
  rm -f "$secret"
  return "$status"
}

python_sd_jwt() {
  python_packages tests/interop/python || return
  tests/interop/with-server tests/interop/python/.venv/bin/python tests/interop/python/test_sd_jwt.py
}

# The path of a Chromium, installed where it can be.
chromium_path() {
  command -v chromium || command -v chromium-browser || command -v google-chrome || {
    debian_packages chromium fonts-wqy-microhei >&2 && command -v chromium
  }
}

browser_pages() {
  node_packages tests/interop/browser || return
  local chromium
  chromium=$(chromium_path) || { skip "no Chromium here, and it could not be installed"; return; }
  node --test --test-reporter=spec tests/interop/browser/modules.test.mjs || return
  CHROMIUM=$chromium tests/interop/with-server node --test --test-reporter=spec tests/interop/browser/pages.test.mjs
}

# Tries of codes are counted by where they come from, also from this machine.
browser_citizen() {
  node_packages tests/interop/browser && node_packages tests/interop/node || return
  local chromium
  chromium=$(chromium_path) || { skip "no Chromium here, and it could not be installed"; return; }
  CHROMIUM=$chromium YUFU_SERVE_ARGS="--trusted-proxies 127.0.0.0/8" \
    tests/interop/with-server node --test --test-reporter=spec tests/interop/browser/citizen.test.mjs
}

# The service knows a second issuer, the harbour, whose status list is served by the test itself, on this machine.
browser_checkpoint() {
  node_packages tests/interop/browser && node_packages tests/interop/node && openssl_command || return
  local chromium harbour status=0
  chromium=$(chromium_path) || { skip "no Chromium here, and it could not be installed"; return; }
  harbour=$(mktemp -d "${TMPDIR:-/tmp}/yufu-harbour.XXXXXX")
  tests/interop/node/harbour "$harbour" || { rm -rf "$harbour"; return 1; }
  CHROMIUM=$chromium YUFU_HARBOUR=$harbour YUFU_PREPARE_TRUST=$harbour/trust \
    YUFU_SERVE_ARGS="--use-cases $harbour/use-cases --allow-fetch 127.0.0.0/8" \
    tests/interop/with-server node --test --test-reporter=spec tests/interop/browser/checkpoint.test.mjs || status=$?
  rm -rf "$harbour"
  return "$status"
}

browser_my() {
  node_packages tests/interop/browser && node_packages tests/interop/node || return
  local chromium
  chromium=$(chromium_path) || { skip "no Chromium here, and it could not be installed"; return; }
  CHROMIUM=$chromium tests/interop/with-server node --test --test-reporter=spec tests/interop/browser/my.test.mjs
}

# The province's login and the page for makers of wallets: the service is a test issuer too.
browser_province() {
  node_packages tests/interop/browser && node_packages tests/interop/node && node_packages tests/interop/province || return
  local chromium port secret status=0
  chromium=$(chromium_path) || { skip "no Chromium here, and it could not be installed"; return; }
  port=$(free_port) || return 1
  secret=$(mktemp "${TMPDIR:-/tmp}/yufu-login.XXXXXX")
  echo 'a secret that only the two of them know' >"$secret"
  CHROMIUM=$chromium YUFU_LOGIN_PORT=$port YUFU_SERVE_ARGS="--test-issuer --login-issuer http://127.0.0.1:$port --login-client-id yufu \
    --login-client-secret-file $secret --login-scopes identity" node_tests tests/interop/browser/province.test.mjs || status=$?
  rm -f "$secret"
  return "$status"
}

# The same wallet as node_haip, and the person in front of it in a real browser.
browser_haip() {
  node_packages tests/interop/browser && node_packages tests/interop/node && openssl_command || return
  local chromium
  chromium=$(chromium_path) || { skip "no Chromium here, and it could not be installed"; return; }
  CHROMIUM=$chromium with_attester node_tests tests/interop/browser/haip.test.mjs
}
