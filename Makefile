# make fit     install the runtime, then train on synthetic faces (ARGS="--data.root ...": options of run.py fit)
# make test    install the development tools, then format, lint, types and the quick tests
# make docs    install MkDocs, then build the documentation in site/
# Each installs once; a second call installs nothing again. To call python run.py yourself: source .venv/bin/activate

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
RUNTIME := $(VENV)/.installed
DEV := $(VENV)/.installed-dev
DOCS := $(VENV)/.installed-docs
ARGS ?=

.PHONY: fit test slow faults docs evidence table2 bench screenshots clean

fit: $(RUNTIME)
	$(RUN) run.py fit $(ARGS)

test: $(DEV)
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

# what trains for minutes, or kills and restarts processes
slow: $(DEV)
	$(RUN) -m pytest -m "slow and not gpu and not evidence" -n auto --maxprocesses 4 --dist loadfile $(ARGS)

# looks for faults in the project itself, for about an hour: damaged inputs, kills, full disks, lost servers (ARGS="kills")
faults: $(DEV)
	$(RUN) -m benchmarks.faults $(ARGS)

# strict: a broken link, or a page that is not in the navigation, is an error
docs: $(DOCS)
	$(RUN) -m mkdocs build --strict --clean --quiet
	@echo "Open site/index.html"

# the paper's Table 2: ARGS="--data.root DIR --data.test.root DIR --data.face_model.path FILE"
table2: $(RUNTIME)
	$(RUN) -m benchmarks.table2 $(ARGS)

# long experiments, by hand: REAL is a folder with aflw2000/, 300wlp/, bfm/, gt/ and prnet/; WORK keeps what they make; the
# figures stay in benchmarks/results
WORK ?= build/evidence
evidence: bench
	$(RUN) -m benchmarks.default_fit $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.branches
	$(RUN) -m benchmarks.resolution
	$(RUN) -m benchmarks.planted_effects
	$(RUN) -m benchmarks.ways_to_a_ratio
	$(RUN) -m benchmarks.best_ratio $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m pytest -m evidence -rP
	$(RUN) -m benchmarks.pose_augmentation_folds $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.tail_ablation $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.prnet_exact $(REAL)/prnet/256_256_resfcn256_weight.index
	$(RUN) -m benchmarks.pretrained_recipe $(WORK)/pretrained $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.pretrained_photographs $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.variety_choice $(REAL)
	$(RUN) -m benchmarks.confidence_fit pretrained
	$(RUN) -m benchmarks.face_finding $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat pretrained $(WORK)/found.jsonl
	$(RUN) -m benchmarks.video_tracking $(WORK)/videos

# MLflow's pages of the runs in mlruns/, into docs/ (apt-get install chromium)
screenshots: $(DEV)
	$(RUN) -m benchmarks.screenshots $(ARGS)

bench: $(DEV)
	$(RUN) -m benchmarks.synthetic
	$(RUN) -m benchmarks.synthetic --many
	$(RUN) -m benchmarks.evaluation
	$(RUN) -m benchmarks.training_step
	$(RUN) -m benchmarks.small_step
	$(RUN) -m benchmarks.sweep_cost
	$(RUN) -m benchmarks.label_errors
	$(RUN) -m benchmarks.annotation_noise $(REAL)/gt
	$(RUN) -m benchmarks.stopping_rules
	$(RUN) -m benchmarks.queue
	$(RUN) -m benchmarks.queue --restarts 2 --sampler random
	$(RUN) -m benchmarks.export
	$(RUN) -m benchmarks.photograph
	$(RUN) -m benchmarks.data $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.pose_augmentation $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.index $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat
	$(RUN) -m benchmarks.zipped_data $(REAL)/aflw2000 $(REAL)/bfm/BFM.mat

$(RUNTIME): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet -e .
	touch $@

$(DEV): $(RUNTIME)
	$(VENV)/bin/pip install --quiet -e '.[dev]'
	touch $@

$(DOCS): $(RUNTIME)
	$(VENV)/bin/pip install --quiet -e '.[docs]'
	touch $@

clean:
	rm -rf $(VENV) site
