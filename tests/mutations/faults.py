"""The list of deliberate faults. Each is one wrong constant, sign or key that an honest slip could bring about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault: in `where`, `old` becomes `new`, and `tests` must fail.

    Attributes:
        name: What is wrong afterwards.
        where: A file of the package, or a room; `old` must stand in it exactly once.
        old: The text that is right.
        new: The text that is wrong.
        tests: Test files below tests/, one of which must notice; a name that does not exist (any more) is passed over.
    """

    name: str
    where: str
    old: str
    new: str
    tests: tuple[str, ...]


FAULTS: Final = (
    # --- policies
    Fault(
        name="the model with the least work is loaded first",
        where="execution/dispatcher.py",
        old="-self._work(tag)",
        new="self._work(tag)",
        tests=("execution/test_dispatcher.py",),
    ),
    Fault(
        name="a curve takes the cost of a part of a job's tasks for that of all",
        where="metrics/curve_coverage.py",
        old="any(each.token_cost is None for each in ran)",
        new="all(each.token_cost is None for each in ran)",
        tests=("metrics/test_lambda_curves.py",),
    ),
    Fault(
        name="fixed knows the fleet's priors where the job began with other estimates",
        where="routing/fixed.py",
        old="if start is None else float(start[row, column])",
        new="if start is not None else 0.0",
        tests=("routing/test_fixed.py",),
    ),
    Fault(
        name="the oracle drops ways that could still become the best",
        where="routing/best_answers.py",
        old="len(problem.tasks) - n - 1",
        new="len(problem.tasks) - n - 2",
        tests=("routing/test_best_answers.py",),
    ),
    Fault(
        name="the tokens of an answer are estimated from the job's own answers",
        where="workloads/matrices/matrix_jobs.py",
        old="_means_without(everywhere, own)",
        new="_means_without(everywhere, {})",
        tests=("workloads/matrices/test_import_matrix.py",),
    ),
    # --- gate and statistics
    Fault(
        name="the gate does not share its error over many rows",
        where="gate",
        old="(2 * max(1, noisy))",
        new="2",
        tests=("gate/test_error_budget.py",),
    ),
    Fault(
        name="the gate pairs every repeat with the first one of the baseline",
        where="gate",
        old="{sample.slot: sample for sample in before.samples}",
        new="{sample.slot: before.samples[0] for sample in before.samples}",
        tests=("gate/test_pairing_key.py",),
    ),
    Fault(
        name="every look at a growing run has the whole level",
        where="gate",
        old="1.0 / (earlier * (earlier + 1)) if earlier else 1.0",
        new="1.0",
        tests=("gate/test_looks.py",),
    ),
    Fault(
        name="a count that was not measured is 0",
        where="gate",
        old="sum(now - then for then, now in both if then is not None and now is not None)",
        new="sum((now or 0.0) - (then or 0.0) for then, now in both)",
        tests=("gate/test_verdicts.py",),
    ),
    Fault(
        name="the gate pairs a case with one of another graph",
        where="gate",
        old="return self.setup, self.graph_digest",
        new='return self.setup, ""',
        tests=("gate/test_pairing_key.py",),
    ),
    Fault(
        name="a p-value of sign flips leaves out the ties",
        where="statistics",
        old="slack = 1e-12 *",
        new="slack = -1e-9 *",
        tests=("statistics/test_paired.py",),
    ),
    Fault(
        name="drawn sign flips do not count the data themselves",
        where="statistics",
        old="extra = 0 if exact else 1",
        new="extra = 0",
        tests=("statistics/test_constants.py",),
    ),
    Fault(
        name="the standard error divides by n, not by n - 1",
        where="statistics",
        old="math.sqrt(n / (n - 1) * spread)",
        new="math.sqrt(spread)",
        tests=("statistics/test_constants.py",),
    ),
    Fault(
        name="the normal limit of the interval over jobs lacks n / (n - 1)",
        where="statistics",
        old="math.sqrt(n / (n - 1) * float(residuals @ residuals))",
        new="math.sqrt(float(residuals @ residuals))",
        tests=("statistics/test_constants.py",),
    ),
    Fault(
        name="the interval over jobs ignores its bias",
        where="statistics",
        old="bias = normal.inv_cdf(share)",
        new="bias = 0.0",
        tests=("statistics/test_constants.py",),
    ),
    Fault(
        name="the detectable effect has a power of 50 %",
        where="statistics/sign_flips.py",
        old="POWER: Final = 0.8",
        new="POWER: Final = 0.5",
        tests=("statistics/test_constants.py",),
    ),
    # --- execution
    Fault(
        name="the makespan counts from the start of the clock, not of the job",
        where="execution",
        old="max(ended) - self.first_dispatch_s if",
        new="max(ended) if",
        tests=("execution/test_case.py",),
    ),
    Fault(
        name="retained models that load fastest stay first",
        where="execution",
        old="(-model.load_time_ms, model.tag)",
        new="(model.load_time_ms, model.tag)",
        tests=("execution/test_residency.py",),
    ),
    Fault(
        name="all repeats share one router seed",
        where="execution",
        old="seed, key.repeat, graph.name",
        new="seed, graph.name",
        tests=("execution/test_seeds.py",),
    ),
    Fault(
        name="all repeats share one request seed",
        where="domain",
        old='stable_int("request", run_seed, repeat)',
        new='stable_int("request", run_seed)',
        tests=("domain/test_seeding.py",),
    ),
    Fault(
        name="the request seed does not fit Ollama's 31 bits",
        where="domain",
        old="_MAX_SEED: Final = 0x7FFF_FFFF",
        new="_MAX_SEED: Final = 0xFFFF_FFFF",
        tests=("domain/test_seeding.py",),
    ),
    Fault(
        name="planner and judge answer at temperature 0.9",
        where="execution/auxiliary_models.py",
        old="temperature=0.0",
        new="temperature=0.9",
        tests=("execution/test_residency.py",),
    ),
    Fault(
        name="the server unloads a model after its own five minutes",
        where="ollama",
        old="LEASE_S: Final = 900",
        new="LEASE_S: Final = 300",
        tests=("ollama/test_client.py",),
    ),
    Fault(
        name="a horizon reaches one step too far",
        where="domain",
        old="if distance[task_id] == depth:",
        new="if distance[task_id] == depth + 1:",
        tests=("domain/test_graph.py",),
    ),
    # --- estimates and routing
    Fault(
        name="a load of 1.5 s costs 1.5, not 1",
        where="estimate",
        old="LOAD_TIME_UNIT_MS: Final = 1500.0",
        new="LOAD_TIME_UNIT_MS: Final = 1000.0",
        tests=("estimate/test_estimator.py",),
    ),
    Fault(
        name="estimates learn faster than published",
        where="estimate",
        old="LEARNING_RATE: Final = 0.2",
        new="LEARNING_RATE: Final = 0.25",
        tests=("estimate/test_estimator.py",),
    ),
    Fault(
        name="a freak answer makes a model unaffordable",
        where="estimate",
        old="MAX_TOKEN_FACTOR: Final = 10.0",
        new="MAX_TOKEN_FACTOR: Final = 100.0",
        tests=("estimate/test_estimator.py",),
    ),
    Fault(
        name="a quality may be negative",
        where="estimate",
        old="min(1.0, max(0.0, capability",
        new="min(1.0, max(-1.0, capability",
        tests=("estimate/test_estimator.py",),
    ),
    Fault(
        name="a token costs a thousand times as much",
        where="estimate",
        old="* token_factor / 1000.0",
        new="* token_factor",
        tests=("estimate/test_estimator.py",),
    ),
    Fault(
        name="a cross-fitted job starts from its own answers",
        where="estimate/starting_estimates.py",
        old="if job == graph.name or digest == graph.digest",
        new="if job == graph.name and digest == graph.name",
        tests=("estimate/test_starting_estimates.py",),
    ),
    Fault(
        name="the strength of a prior ignores what chance explains",
        where="estimate/shrinkage.py",
        old="between = (spread - within * ",
        new="between = (spread - 0.0 * ",
        tests=("estimate/test_shrinkage.py",),
    ),
    Fault(
        name="text counts though its gain is within its standard error",
        where="estimate/text_estimates.py",
        old="weight=weight if gain.mean() > error else 0.0",
        new="weight=weight if gain.mean() > 0 else 0.0",
        tests=("estimate/test_text_estimates.py",),
    ),
    Fault(
        name="energy counts what idle GPUs would have used",
        where="metrics/energy_metrics.py",
        old="- first.gpu.energy_j - idle_j)",
        new="- first.gpu.energy_j)",
        tests=("metrics/test_energy.py",),
    ),
    Fault(
        name="the hull of a curve is not concave",
        where="metrics/cost_curves.py",
        old="while len(hull) > 1 and _slope(hull[-2], hull[-1]) <= _slope(hull[-2], point):",
        new="while len(hull) > 1 and _slope(hull[-2], hull[-1]) > _slope(hull[-2], point):",
        tests=("metrics/test_cost_curves.py",),
    ),
    Fault(
        name="lp rounds to the smallest share",
        where="routing/lp.py",
        old="shares.argmax(axis=0)",
        new="shares.argmin(axis=0)",
        tests=("routing/test_lp.py",),
    ),
    Fault(
        name="a resident model is charged for its load",
        where="routing/objective.py",
        old="np.where(resident_mask(view), 0.0,",
        new="np.where(resident_mask(view), view.estimates.load_cost,",
        tests=("routing/test_objective.py",),
    ),
    Fault(
        name="a plan may evict a pinned model",
        where="routing/feasibility.py",
        old="if model.keep and model.tag not in tags",
        new="if False and model.tag not in tags",
        tests=("routing/test_feasibility.py",),
    ),
    Fault(
        name="every plan counts as over budget when it fills the budget",
        where="routing/feasibility.py",
        old="if needed_gb > view.vram_budget_gb + BUDGET_TOLERANCE_GB:",
        new="if needed_gb >= view.vram_budget_gb:",
        tests=("routing/test_feasibility.py",),
    ),
    # --- metrics
    Fault(
        name="half a GB above the budget is no measured violation",
        where="metrics",
        old="_own_gb(each) > budget_gb +",
        new="_own_gb(each) > budget_gb + 0.5 +",
        tests=("metrics/test_budget_tolerance.py",),
    ),
    Fault(
        name="a planned residency at the budget is a violation",
        where="metrics",
        old="step.planned_vram_gb > step.vram_budget_gb",
        new="step.planned_vram_gb > step.vram_budget_gb - 1e-3",
        tests=("metrics/test_budget_tolerance.py",),
    ),
    Fault(
        name="a failed task is left out of the score",
        where="metrics",
        old="None if never else 0.0",
        new="None",
        tests=("metrics/test_job.py",),
    ),
    Fault(
        name="a job lost counts as tied",
        where="metrics/comparison.py",
        old="pair.difference < -TIE",
        new="pair.difference < -2",
        tests=("metrics/test_won_and_lost.py",),
    ),
    Fault(
        name="half a GB above the budget is within the tolerance",
        where="domain/limits.py",
        old="BUDGET_TOLERANCE_GB: Final = 1e-6",
        new="BUDGET_TOLERANCE_GB: Final = 0.5",
        tests=("metrics/test_budget_tolerance.py",),
    ),
    # --- scoring
    Fault(
        name="numbers in a phrase of time or purpose are taken for the answer",
        where="scoring/stated_number.py",
        old="if not skipped or _ATTRIBUTE",
        new="if skipped or _ATTRIBUTE",
        tests=("scoring/test_labeled_answers.py",),
    ),
    Fault(
        name="a letter that is possible only is taken for the answer",
        where="scoring/letters.py",
        old="if not is_hedged(words, each)] or standing",
        new="if is_hedged(words, each)] or standing",
        tests=("scoring/test_labeled_answers.py",),
    ),
    Fault(
        name="answered code can reach ctypes",
        where="scoring/sandbox/confine.py",
        old='in ("ctypes", "_ctypes") or target.__name__',
        new="in () or target.__name__",
        tests=("scoring/test_sandbox.py",),
    ),
    Fault(
        name="a JSON number may be off by a thousandth",
        where="scoring/equality.py",
        old="RELATIVE_TOLERANCE: Final = 1e-9",
        new="RELATIVE_TOLERANCE: Final = 1e-3",
        tests=("scoring/test_json_tolerance.py",),
    ),
    Fault(
        name="a number is compared without its tolerance",
        where="scoring/numbers.py",
        old="<= expected.tolerance",
        new="<= 0",
        tests=("scoring/test_numbers.py",),
    ),
    # --- simulator and recordings
    Fault(
        name="a run is blamed for the models of others",
        where="metrics/measured_vram.py",
        old="for model in sample.resident if not model.foreign",
        new="for model in sample.resident",
        tests=("metrics/test_job.py",),
    ),
    Fault(
        name="a schema with a reference that leads nowhere is taken",
        where="simulator/server/schema_check.py",
        old="if not isinstance(target, dict) or part not in target:",
        new="if not isinstance(target, dict):",
        tests=("simulator/test_schema_check.py",),
    ),
    Fault(
        name="a planner in turn starts with the second model",
        where="simulator/models/simulated_planner.py",
        old="options[number % len(options)]",
        new="options[(number + 1) % len(options)]",
        tests=("calibration/test_planner_behaviour.py",),
    ),
    Fault(
        name="a recorded clock is marked only where it is off by two seconds",
        where="ollama/cassette/takes.py",
        old="CLOCK_TOLERANCE_S: Final = 0.02",
        new="CLOCK_TOLERANCE_S: Final = 2.0",
        tests=("ollama/test_cassette.py",),
    ),
    Fault(
        name="the server takes a quarter of the memory for recovered",
        where="simulator/server",
        old="_RECOVERED_SHARE: Final = 0.75",
        new="_RECOVERED_SHARE: Final = 0.25",
        tests=("simulator/test_unloading.py",),
    ),
    Fault(
        name="a replay does not prefer the take of its own test",
        where="ollama/transports",
        old="takes[n].case.test == case.test",
        new="takes[n].case.test != ''",
        tests=("ollama/test_replay.py",),
    ),
    Fault(
        name="a replayed sample is stale only after a minute",
        where="ollama/transports",
        old=": Final = 0.1  # less than any",
        new=": Final = 60.0  # less than any",
        tests=("ollama/test_replay.py",),
    ),
    # --- plugin, telemetry and report
    Fault(
        name="a resumed run takes failed jobs for finished",
        where="plugin",
        old="for job in jobs if job.status is JobStatus.COMPLETED",
        new="for job in jobs",
        tests=("plugin/test_resume_unfinished.py",),
    ),
    Fault(
        name="the page writes hostile text as it is",
        where="report/html.py",
        old="autoescape=True",
        new="autoescape=False",
        tests=("report/test_html.py",),
    ),
    Fault(
        name="the scoreboard compares modes over different jobs",
        where="report/board_cells.py",
        old="known[each.mode].keys() & known[reference].keys()",
        new="known[each.mode].keys() | known[reference].keys()",
        tests=("report/test_scoreboard.py",),
    ),
    Fault(
        name="a decision's interval stands beside a comparison over other pairs",
        where="report/decided_intervals.py",
        old="    if not whole and (",
        new="    if c.pairs < 0 and (",
        tests=("report/test_decision_view.py",),
    ),
    Fault(
        name="names that are cut may read alike",
        where="report/wording.py",
        old="while len(set(cut.values())) < len(set(clean.values()))",
        new="while len(set(cut.values())) < 1",
        tests=("report/test_wording.py",),
    ),
    Fault(
        name="a run is complete although one of its jobs has no end",
        where="telemetry",
        old="self.complete and not unfinished",
        new="self.complete",
        tests=("telemetry/test_reader.py",),
    ),
    # --- parts of one run
    Fault(
        name="a case in two parts of a run counts twice",
        where="gate",
        old="            if identity in held:",
        new="            if identity in held and False:",
        tests=("gate/test_shards.py",),
    ),
    Fault(
        name="a merged run keeps the events of jobs that never ended",
        where="telemetry",
        old="number <= last_end.get(event.case, 0)",
        new="number >= 0",
        tests=("gate/test_shards.py",),
    ),
    Fault(
        name="the cases of one workflow are dealt out to several shards",
        where="plugin",
        old="[{parameters.replace(case, '', 1)}]",
        new="[{parameters}]",
        tests=("plugin/test_shard.py",),
    ),
    # --- policies that defer tasks
    Fault(
        name="a plan may defer every ready task",
        where="routing/feasibility.py",
        old="if view.ready and plan.deferred.issuperset(view.ready):",
        new="if not view.ready:",
        tests=("routing/test_feasibility.py",),
    ),
    Fault(
        name="a deferred task is run all the same",
        where="execution/planning.py",
        old="run_now = frozenset(view.ready) - plan.deferred",
        new="run_now = frozenset(view.ready)",
        tests=("execution/test_deferred.py",),
    ),
    Fault(
        name="the most recently used model makes room",
        where="routing/residency_queue.py",
        old="key=lambda tag: (last_used.get(tag, _NEVER_USED), place(tag))",
        new="key=lambda tag: (-last_used.get(tag, _NEVER_USED), place(tag))",
        tests=("routing/test_fixed.py",),
    ),
    Fault(
        name="the rank of a task leaves out its own time",
        where="routing/list_schedule.py",
        old="ranks[task] = problem.mean_time[task] + after",
        new="ranks[task] = after",
        tests=("routing/test_heft.py",),
    ),
    # --- reliability
    Fault(
        name="two processes write one run",
        where="files.py",
        old="                elif not lock_at_once(file):\n                    return False",
        new="                elif not lock_at_once(file):\n                    pass",
        tests=("test_files.py",),
    ),
    Fault(
        name="a busy server counts as a wrong answer",
        where="errors.py",
        old="frozenset((429, 500, 502, 503, 504))",
        new="frozenset((429, 500, 502, 504))",
        tests=("execution/test_retries.py",),
    ),
    Fault(
        name="a packed reply is unpacked without a bound",
        where="ollama/transports/bounded.py",
        old="self._unpacker.decompress(data, _PIECE)",
        new="self._unpacker.decompress(data)",
        tests=("ollama/test_bounded.py",),
    ),
    Fault(
        name="a damaged line costs no job",
        where="telemetry",
        old="        self.open.clear()\n",
        new="",
        tests=("telemetry/test_reader.py",),
    ),
    # --- measured answers
    Fault(
        name="the key of an answer leaves out the digest of the model's file",
        where="ollama/answers/questions.py",
        old='"digest": self.model.digest, ',
        new="",
        tests=("ollama/answers/test_answer_store.py",),
    ),
    Fault(
        name="a case's time goes on while it waits for an answer",
        where="execution/case_player.py",
        old="lambda: self._transports[0].gate.closed",
        new="lambda: False",
        tests=("execution/test_waves.py",),
    ),
    Fault(
        name="a prefill from the cache counts as the model's own",
        where="execution/playing_transport.py",
        old="if (answer.cached or answer.beside) and figures.prefill_tokens_per_s",
        new="if answer.beside and figures.prefill_tokens_per_s",
        tests=("execution/test_playing_transport.py",),
    ),
    Fault(
        name="an answer is kept though its model was replaced meanwhile",
        where="execution/replaced_models.py",
        old="if key not in self._reasons:",
        new="if True:",
        tests=("execution/test_replaced_models.py",),
    ),
    # --- decision
    Fault(
        name="the interval of a chosen policy does not pay for the choice",
        where="statistics",
        old="ratios.max(axis=1)",
        new="ratios[:, 0]",
        tests=("statistics/test_best_of_many.py",),
    ),
    Fault(
        name="a policy that breaks the budget can be used",
        where="decision",
        old="if each.metrics.violations or each.metrics.measured_violations",
        new="if each.metrics.measured_violations",
        tests=("decision/test_decide.py",),
    ),
    Fault(
        name="time is bought with any loss of score",
        where="decision",
        old="self.score_bounds(n)[0] >= -self.figures.allowed_score_loss",
        new="True",
        tests=("decision/test_choice.py",),
    ),
    Fault(
        name="a policy plays with the weights of the run",
        where="routing",
        old="own = replace(view, weights=weights, whole_graph",
        new="own = replace(view, whole_graph",
        tests=("routing/test_policy.py",),
    ),
    Fault(
        name="names of models reach the shell unquoted",
        where="decision",
        old="ask {shlex.quote(_body(model))}",
        new="ask '{_body(model)}'",
        tests=("decision/test_exports.py",),
    ),
    # --- dispatch without a barrier
    Fault(
        name="a model is unloaded under a running call",
        where="execution/residency.py",
        old="if each in self._calls or each in keep} - {tag}",
        new="if each in keep} - {tag}",
        tests=("execution/test_dispatcher.py",),
    ),
    Fault(
        name="a load for later takes the room of one that is needed now",
        where="execution/dispatcher.py",
        old="        if missing:\n            return",
        new="        if False:\n            return",
        tests=("execution/test_dispatcher.py",),
    ),
    Fault(
        name="a judge is loaded while tasks run",
        where="execution/dispatcher.py",
        old="if isinstance(call.task.expected, Judge) and outcome.answer is not None:",
        new="if False and outcome.answer is not None:",
        tests=("execution/test_dispatcher.py",),
    ),
    Fault(
        name="a model takes more calls than its slots",
        where="execution/dispatcher.py",
        old="busy < parallel)",
        new="busy <= parallel)",
        tests=("execution/test_dispatcher.py",),
    ),
    # --- imported workflows
    Fault(
        name="a text that looks like a placeholder is filled in",
        where="domain/placeholders.py",
        old='return _OPENING.sub("{{answer::", text)',
        new="return text",
        tests=("workloads/test_literal_texts.py",),
    ),
    Fault(
        name="the first input of a merge replaces the fields of the others",
        where="workloads/importers/n8n_items.py",
        old="last_first = tuple(reversed(order))",
        new="last_first = order",
        tests=("workloads/test_n8n_rules.py",),
    ),
    Fault(
        name="what a dropped branch loses is listed",
        where="workloads/importers/flow_texts.py",
        old="if not loss.nodes or left.intersection(loss.nodes):",
        new="if True:",
        tests=("workloads/test_flow_losses.py",),
    ),
    Fault(
        name="a later step of Flowise is not told the question",
        where="workloads/importers/flow_texts.py",
        old="first = self.steps[said[0][0]] if said else own",
        new="first = own if said else own",
        tests=("workloads/test_flowise_conversation.py",),
    ),
)
