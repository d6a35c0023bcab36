# Each target is a script in .ci that says in its first lines what it does.
.PHONY: serve test bench dist clean

serve: dist
	@node tests/browser/server.mjs dist 8080

test:
	@bash .ci/test

bench: dist
	@bash .ci/bench

# Static files with relative addresses: the folder works from any sub-path of any host.
dist:
	@bash .ci/dist

clean:
	rm -rf dist target .tools tests/browser/node_modules tests/browser/output
