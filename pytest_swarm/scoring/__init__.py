"""Scoring: what a model's answer is worth against what a task expects.

Owns how answers are read: fences, JSON, numbers, yes and no, words, code. Knows the domain only; no server, no run.
Answers are hostile data: nothing here hangs on one, and only `sandbox` runs any, when the user asked for it.
Everything is a pure function but for `judge` (asks a model) and `sandbox` (runs code), whose names say so.

From the top: `scorers` takes a text by `answer_text` and hands it to the module of its kind (`json`, `numbers`,
`yes_no`, `letters`, `text`, `regex`, `code`, `overlap`, `judge`). Those of them that look for an answer in prose do so
in one order, which `answer_regions` owns, and give a `Reading` and a `Score` (`verdict`). Below them: `asides`,
`plain_text`, `fences` and `patterns` for all kinds; `number_text`, `number_words`, `quantities` and `stated_number`
for numbers; `first_word` for yes and no; `letter_tokens` for letters; `same_text` and `named_answer` for texts;
`code_statements` for code. Beside them: `conditional_score` (local scores), `guess_expectation`, `labeled_answers`.
"""
