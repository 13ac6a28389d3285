# make fit     set up, then train on faces by formula (ARGS="--data.root ...": options of run.py fit)
# make test    set up, then format, lint, types and the quick tests
# Both install once; a second call installs nothing again.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
ARGS ?=

.PHONY: fit test slow evidence table2 bench screenshots clean

fit: $(INSTALLED)
	$(RUN) run.py fit $(ARGS)

test: $(INSTALLED)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

# what trains for minutes, or kills and restarts processes
slow: $(INSTALLED)
	$(RUN) -m pytest -m "slow and not gpu and not evidence" $(ARGS)

# the paper's Table 2: ARGS="--data.root DIR --data.test_root DIR --data.morphable_model FILE"
table2: $(INSTALLED)
	$(RUN) -m benchmarks.table2 $(ARGS)

# long evidence, by hand: REAL is a folder with aflw2000/ and bfm/BFM.mat; its figures stay in benchmarks/results
evidence: bench
	$(RUN) -m benchmarks.sweep
	$(RUN) -m pytest -m evidence -rP
	$(RUN) -m benchmarks.pose_augmentation_folds $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.tail_ablation $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat

# MLflow's pages of the runs in mlruns/, into docs/ (apt-get install chromium)
screenshots: $(INSTALLED)
	$(RUN) -m benchmarks.screenshots $(ARGS)

bench: $(INSTALLED)
	$(RUN) -m benchmarks.synthetic
	$(RUN) -m benchmarks.synthetic --many
	$(RUN) -m benchmarks.evaluation
	$(RUN) -m benchmarks.training_step
	$(RUN) -m benchmarks.sweep_cost
	$(RUN) -m benchmarks.export
	$(RUN) -m benchmarks.data $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.pose_augmentation $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.index $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)
