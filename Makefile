# Run, test and check Liveblog. `make help` lists the rest.

PYTHON := .venv/bin/python
WORKERS ?= 3
NIGHT ?= long
RANDOM_TESTS := tests/test_convergence.py tests/test_models.py tests/test_archive.py

# Settings for checks that never serve anyone: what production looks like, with data of its own.
CHECK_ENV := env -u DATABASE_URL -u REDIS_URL DEBUG=0 DATA_DIR=.cache/check \
	BASE_URL=https://live.example.org ALLOWED_HOSTS=live.example.org

.PHONY: run test check night faults lint lock bench clean help

run: ## Serve on HOST:PORT (127.0.0.1:8000); settings are environment or make variables
	@bin/bootstrap
	@exec $(PYTHON) manage.py serve

test: ## Run all tests, in a real browser too, by WORKERS processes (3); ARGS goes to pytest
	@bin/bootstrap browser
	WORKERS=$(WORKERS) bin/test $(ARGS)

check: ## Run the tests that need no browser and no second server; ARGS goes to pytest
	@bin/bootstrap dev
	$(PYTHON) -m pytest -n $(WORKERS) --dist worksteal -m "not browser and not server and not postgres and not redis and not night" $(ARGS)

night: ## Run what takes longer: faults made on purpose, the wheel installed, many more random tests; NIGHT=short for a few of them
	@bin/bootstrap dev
	NIGHT=$(NIGHT) $(PYTHON) -m pytest -n $(WORKERS) --dist worksteal tests/night $(if $(filter long,$(NIGHT)),$(RANDOM_TESTS))

lint: ## Check style, types, deployment settings and migrations
	@bin/bootstrap dev
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(CHECK_ENV) $(PYTHON) -m mypy
	@echo manage.py check --deploy --fail-level WARNING
	@$(CHECK_ENV) SECRET_KEY="$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(50))')" \
		$(PYTHON) manage.py check --deploy --fail-level WARNING
	$(CHECK_ENV) $(PYTHON) manage.py makemigrations --check --dry-run

lock: ## Write the lock files anew from pyproject.toml
	@bin/bootstrap dev
	$(PYTHON) -m uv pip compile pyproject.toml --universal --generate-hashes --upgrade \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet -o requirements.txt
	$(PYTHON) -m uv pip compile pyproject.toml --extra heic --extra s3 --group dev --universal --generate-hashes --upgrade \
		--no-emit-index-url --no-annotate --custom-compile-command "make lock" --quiet -c requirements.txt \
		-o requirements-dev.txt

faults: ## Let services fail under 300 readers, and show who waited how long: half an hour; ARGS goes to tests.outages
	@bin/bootstrap dev
	$(PYTHON) -m tests.outages $(ARGS)

bench: ## Measure what it costs, beside what others cost; ARGS goes to benchmarks
	@bin/bootstrap dev
	$(PYTHON) -m benchmarks $(ARGS)

clean: ## Remove what can be made again; your data in DATA_DIR stays
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results dist

help: ## List these
	@awk -F': ## ' '/^[a-z]+: ## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile
