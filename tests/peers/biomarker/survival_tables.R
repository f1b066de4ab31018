# Data sets of R's survival package as tables, and what coxph, cox.zph, survfit and survdiff say of them.
#   Rscript survival_tables.R FOLDER
suppressMessages(library(survival))
folder <- commandArgs(TRUE)[1]
write <- function(name, table) {
  text <- lapply(table, function(x) if (is.numeric(x)) sprintf("%.17g", as.numeric(x)) else as.character(x))
  text <- lapply(text, function(x) ifelse(is.na(x) | x == "NaN", "NA", x))
  write.table(as.data.frame(text, check.names = FALSE), file.path(folder, name), sep = "\t", quote = FALSE, row.names = FALSE)
}
# Levels in the order of their letters, as biomarker-score has them.
letters_first <- function(x) factor(as.character(x), levels = sort(unique(as.character(x)), method = "radix"))
veteran$celltype <- letters_first(veteran$celltype)
colon$rx <- letters_first(colon$rx)
lung$event <- as.integer(lung$status == 2)
pbc$event <- as.integer(pbc$status == 2)
pbc$log_bili <- log(pbc$bili)
pbc$sex <- letters_first(pbc$sex)
heart$transplant <- as.numeric(as.character(heart$transplant))
seq <- pbcseq[order(pbcseq$id, pbcseq$day), ]
last <- !duplicated(seq$id, fromLast = TRUE)
seq$stop <- ifelse(last, seq$futime, c(seq$day[-1], NA))
seq$event <- ifelse(last, as.integer(seq$status == 2), 0L)
seq$log_bili <- log(seq$bili)
seq$sex <- letters_first(seq$sex)
seq <- seq[seq$stop > seq$day, ]
for (name in c("veteran", "colon", "lung", "pbc", "heart")) write(paste0(name, ".tsv"), get(name))
write("pbcseq.tsv", seq)

fit <- function(name, formula, data, ties = "efron") {
  environment(formula) <- environment()
  f <- coxph(formula, data, ties = ties)
  robust <- !is.null(f$naive.var)
  se <- sqrt(diag(if (robust) f$naive.var else f$var))
  write(paste0(name, ".coef"), data.frame(coef = coef(f), se = se, robust_se = if (robust) sqrt(diag(f$var)) else NA,
                                          z = coef(f) / sqrt(diag(f$var)),
                                          p_wald = 2 * pnorm(-abs(coef(f) / sqrt(diag(f$var))))))
  tests <- data.frame(test = c("likelihood_ratio", "wald", "score"),
                      statistic = c(2 * diff(f$loglik), f$wald.test, f$score))
  if (ties != "exact") {
    z <- cox.zph(f)$table
    tests <- rbind(tests, data.frame(test = paste0("zph", seq_len(nrow(z))), statistic = z[, 1]))
  }
  tests <- rbind(tests, data.frame(test = c("log_likelihood_null", "log_likelihood"), statistic = f$loglik))
  write(paste0(name, ".tests"), tests)
}
for (ties in c("efron", "breslow", "exact")) {
  fit(paste0("veteran-", ties), Surv(time, status) ~ factor(trt) + karno + celltype + factor(trt):karno, veteran, ties)
  fit(paste0("lung-", ties), Surv(time, event) ~ age + sex + ph.ecog + age:sex, lung, ties)
  fit(paste0("pbc-", ties), Surv(time, event) ~ factor(trt) + age + sex + edema + log_bili + protime + factor(trt):log_bili +
    age:sex, pbc, ties)
}
fit("lung-strata", Surv(time, event) ~ age + ph.ecog + strata(sex), lung)
fit("pbc-strata", Surv(time, event) ~ age + log_bili + age:log_bili + strata(stage), pbc)
fit("pbc-robust", Surv(time, event) ~ factor(trt) + age + log_bili + age:log_bili + cluster(id), pbc)
for (ties in c("efron", "breslow")) {
  fit(paste0("colon-", ties), Surv(time, status) ~ rx + differ + rx:differ + strata(etype) + cluster(id), colon, ties)
  fit(paste0("pbcseq-", ties), Surv(day, stop, event) ~ age + sex + log_bili + age:log_bili + cluster(id), seq, ties)
  fit(paste0("heart-", ties), Surv(start, stop, event) ~ age + surgery + transplant + age:transplant + cluster(id), heart, ties)
}

for (type in c("log", "log-log", "plain")) {
  s <- survfit(Surv(time, event) ~ sex, lung, conf.type = type)
  write(paste0("curve-", type), data.frame(time = s$time, survival = s$surv, lower = s$lower, upper = s$upper))
}
s <- summary(survfit(Surv(time, event) ~ sex, lung), rmean = 500)$table
write("means", data.frame(mean = s[, "rmean"], se = s[, "se(rmean)"], median = s[, "median"], lower = s[, "0.95LCL"],
                          upper = s[, "0.95UCL"]))
write("ranks", data.frame(log_rank = survdiff(Surv(time, event) ~ sex, lung)$chisq,
                          peto_peto = survdiff(Surv(time, event) ~ sex, lung, rho = 1)$chisq))
