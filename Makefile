# Each target is a script in .ci that says in its first lines what it does; CONTRIBUTING.md says which one to reach for.
.PHONY: serve dev check one test fuzz bench dist clean

# Built fast, served on this machine.
serve:
	@bash .ci/dist serve
	@node tests/browser/server.mjs target/serve 8080

# Rebuilds after every change of a file, and reloads the page.
dev:
	@bash .ci/setup build
	@bash .ci/trunk serve --port 8080 --dist target/dev

# Format, lints, that the page compiles, unit tests and borders: under a minute when warm.
check:
	@bash .ci/check

# The tests whose name contains T, wherever they are: make one T=svd_reconstructs.
one:
	@bash .ci/one "$(T)"

test:
	@bash .ci/test

fuzz:
	@bash .ci/fuzz $(T)

bench: dist
	@bash .ci/bench

# Static files with relative addresses: the folder works from any sub-path of any host.
dist:
	@bash .ci/dist

clean:
	rm -rf dist target .tools tests/browser/node_modules tests/browser/output
