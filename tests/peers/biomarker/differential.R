# Random small data sets and what R says of them, a folder each: FOLDER/KIND/NUMBER. Needs survival, limma, GSVA, pROC,
# metafor.
#   Rscript differential.R FOLDER COUNT SEED [KIND]
suppressMessages({
  library(survival)
  library(limma)
  library(GSVA)
  library(pROC)
  library(metafor)
})
arguments <- commandArgs(TRUE)
folder <- arguments[1]
count <- as.integer(arguments[2])
RNGversion("4.0.0")
set.seed(as.integer(arguments[3]))
write <- function(where, name, table) {
  dir.create(where, recursive = TRUE, showWarnings = FALSE)
  text <- lapply(table, function(x) if (is.numeric(x)) sprintf("%.17g", as.numeric(x)) else as.character(x))
  text <- lapply(text, function(x) ifelse(is.na(x) | x == "NaN", "NA", x))
  write.table(as.data.frame(text, check.names = FALSE), file.path(where, name), sep = "\t", quote = FALSE, row.names = FALSE)
}
one_of <- function(...) sample(c(...), 1)
# Values of many shapes: smooth, tied, at a floor, of two values, of wild scale.
values <- function(n) {
  switch(sample(6, 1), rnorm(n), round(rnorm(n), 1), ifelse(runif(n) < 0.5, 0, rexp(n)), rbinom(n, 1, 0.4), exp(3 * rnorm(n)),
         1e6 + rnorm(n))
}
varied <- function(n) {
  repeat {
    x <- values(n)
    if (length(unique(x)) > 1) return(x)
  }
}
times <- function(n) if (runif(1) < 0.5) ceiling(10 * rexp(n)) else rexp(n)
two_classes <- function(n) {
  repeat {
    y <- rbinom(n, 1, runif(1, 0.2, 0.8))
    if (min(sum(y), sum(1 - y)) >= 2) return(y)
  }
}
quietly <- function(expression) {
  warned <- FALSE
  value <- withCallingHandlers(tryCatch(expression, error = function(e) NULL),
                               warning = function(w) { warned <<- TRUE; invokeRestart("muffleWarning") })
  if (warned) NULL else value
}

cox <- function(where) {
  n <- sample(12:80, 1)
  data <- data.frame(time = times(n), event = rbinom(n, 1, runif(1, 0.3, 1)), a = varied(n), b = varied(n), c = varied(n),
                     s = sample(one_of(2, 4), n, TRUE), id = sample(max(6, n %/% 2), n, TRUE))
  starts <- runif(1) < 0.3
  if (starts) {
    data$start <- if (runif(1) < 0.5) floor(data$time * runif(n)) else data$time * runif(n)
    data <- data[data$start < data$time, ]
  }
  if (sum(data$event) < 5) return()
  terms <- c("a", "b", "c")[seq_len(sample(3, 1))]
  if (length(terms) > 1 && runif(1) < 0.3) terms <- c(terms, "a:b")
  strata <- runif(1) < 0.4
  cluster <- runif(1) < 0.3
  ties <- if (starts || cluster) one_of("efron", "breslow") else one_of("efron", "breslow", "exact")
  right <- paste(c(terms, if (strata) "strata(s)", if (cluster) "cluster(id)"), collapse = " + ")
  formula <- as.formula(paste(if (starts) "Surv(start, time, event) ~" else "Surv(time, event) ~", right))
  f <- quietly(coxph(formula, data, ties = ties))
  if (is.null(f) || anyNA(coef(f)) || any(diag(f$var) <= 0)) return()
  naive <- if (cluster) f$naive.var else f$var
  # Where R stops depends on the likelihood alone; what it calls converged may still be far out along a flat ridge.
  if (max(abs(coef(f)) * apply(model.matrix(f), 2, sd)) > 8) return()
  write(where, "data.tsv", data)
  write(where, "coef.tsv", data.frame(coef = coef(f), se = sqrt(diag(naive)), robust_se = if (cluster) sqrt(diag(f$var)) else NA))
  tests <- data.frame(test = c("likelihood_ratio", "score", "log_likelihood_null", "log_likelihood"),
                      statistic = c(2 * diff(f$loglik), f$score, f$loglik))
  z <- if (ties == "exact") NULL else quietly(cox.zph(f)$table)
  if (!is.null(z)) tests <- rbind(tests, data.frame(test = paste0("zph", seq_len(nrow(z))), statistic = z[, 1]))
  write(where, "tests.tsv", tests)
  cat("--time time --event event --ties", ties, if (starts) "--start start", if (strata) "--strata s",
      if (cluster) "--cluster id", "--terms", terms, file = file.path(where, "options"))
}

curves <- function(where) {
  n <- sample(6:60, 1)
  groups <- one_of(1, 2, 4)
  data <- data.frame(time = times(n), event = rbinom(n, 1, one_of(0.1, 0.5, 1)), g = sample(groups, n, TRUE))
  if (sum(data$event) == 0) return()
  groups <- length(unique(data$g))
  type <- one_of("log", "log-log", "plain")
  tau <- min(tapply(data$time, data$g, max)) * runif(1, 0.3, 1)
  s <- survfit(Surv(time, event) ~ g, data, conf.type = type)
  label <- if (groups > 1) rep(sub("g=", "", names(s$strata)), s$strata) else rep("all", length(s$time))
  write(where, "data.tsv", data)
  write(where, "curves.tsv", data.frame(group = label, time = s$time, survival = s$surv, lower = s$lower, upper = s$upper))
  table <- rbind(summary(s, rmean = tau)$table)
  write(where, "means.tsv", data.frame(mean = table[, "rmean"], se = table[, "se(rmean)"], median = table[, "median"],
                                       lower = table[, "0.95LCL"], upper = table[, "0.95UCL"]))
  if (groups > 1) {
    write(where, "ranks.tsv", data.frame(test = c("log_rank", "peto_peto"),
                                         statistic = c(survdiff(Surv(time, event) ~ g, data)$chisq,
                                                       survdiff(Surv(time, event) ~ g, data, rho = 1)$chisq)))
  }
  cat("--time time --event event --interval", type, "--tau", sprintf("%.17g", tau), if (groups > 1) "--by g",
      file = file.path(where, "options"))
}

# Rows of a table of features, missing values among them.
feature_table <- function(rows, n, missing) {
  m <- t(vapply(seq_len(rows), function(i) varied(n), numeric(n)))
  m[runif(length(m)) < missing] <- NA
  dimnames(m) <- list(sprintf("f%04d", seq_len(rows)), sprintf("P%03d", seq_len(n)))
  m
}
write_features <- function(where, m, clinical) {
  write(where, "features.tsv", data.frame(feature = rownames(m), m, check.names = FALSE))
  write(where, "clinical.tsv", data.frame(patient_id = colnames(m), clinical))
}

moderated <- function(where) {
  n <- sample(6:40, 1)
  y <- two_classes(n)
  rows <- one_of(5, 60, 300)
  m <- matrix(rnorm(rows * n, rnorm(rows, 8, 2), sqrt(1 / rgamma(rows, one_of(1, 3, 50)))), rows)
  m[runif(length(m)) < one_of(0, 0.05, 0.2)] <- NA
  dimnames(m) <- list(sprintf("f%04d", seq_len(rows)), sprintf("P%03d", seq_len(n)))
  # What associate tests: six values and both classes.
  m <- m[apply(m, 1, function(v) sum(!is.na(v)) >= 6 && length(unique(y[!is.na(v)])) == 2), , drop = FALSE]
  if (nrow(m) < 3) return()
  age <- rnorm(n)
  adjusted <- runif(1) < 0.3
  kind <- sample(4, 1)
  design <- if (adjusted) cbind(1, y, age) else cbind(1, y)
  e <- quietly(eBayes(lmFit(m, design), trend = kind %in% c(2, 4), robust = kind > 2))
  if (is.null(e)) return()
  write_features(where, m, data.frame(response = ifelse(y == 1, "R", "NR"), age = age))
  write(where, "expected.tsv", data.frame(feature = rownames(m), difference = e$coefficients[, 2], moderated_t = e$t[, 2],
                                          p_moderated = e$p.value[, 2], log_odds = e$lods[, 2],
                                          prior_df = rep_len(e$df.prior, nrow(m)), prior_variance = rep_len(e$s2.prior, nrow(m))))
  cat("--response response", c("--moderated", "--trend", "--robust", "--trend --robust")[kind], if (adjusted) "--covariates age",
      file = file.path(where, "options"))
}

response <- function(where) {
  n <- sample(8:70, 1)
  y <- two_classes(n)
  m <- feature_table(40, n, one_of(0, 0.1))
  keep <- apply(m, 1, function(v) {
    k <- !is.na(v)
    sum(k) >= 6 && length(unique(v[k])) > 1 && min(table(factor(y[k], 0:1))) >= 2
  })
  m <- m[keep, , drop = FALSE]
  if (nrow(m) < 3) return()
  write_features(where, m, data.frame(response = ifelse(y == 1, "R", "NR")))
  rows <- lapply(seq_len(nrow(m)), function(i) {
    v <- m[i, ]
    k <- !is.na(v)
    two <- length(unique(v[k])) == 2
    p <- if (two) fisher.test(table(v[k], y[k]))$p.value else
      suppressWarnings(wilcox.test(v[k & y == 1], v[k & y == 0])$p.value)
    area <- roc(y[k], v[k], direction = "<", quiet = TRUE)
    # (glm's own errors are those of the step before its last.)
    g <- quietly(glm(y[k] ~ scale(v[k]), family = binomial, control = glm.control(epsilon = 1e-14, maxit = 100)))
    ok <- !is.null(g) && g$converged && abs(coef(g)[2]) < 8 && all(g$fitted.values > 1e-6 & g$fitted.values < 1 - 1e-6)
    # The interval that DeLong's variance gives; of an area of 0 or 1 pROC gives none, ours has length 0.
    spread <- suppressWarnings(sqrt(var(area, method = "delong")))
    half <- qnorm(0.975) * spread
    data.frame(feature = rownames(m)[i], p = p, auc = as.numeric(area$auc), auc_lower = max(0, area$auc - half),
               auc_upper = min(1, area$auc + half), effect = if (ok) coef(g)[2] else NA,
               se = if (ok) sqrt(solve(crossprod(model.matrix(g) * sqrt(g$fitted.values * (1 - g$fitted.values))))[2, 2]) else NA)
  })
  e <- do.call(rbind, rows)
  e$fdr <- p.adjust(e$p, "BH")
  e$p_by <- p.adjust(e$p, "BY")
  e$p_holm <- p.adjust(e$p, "holm")
  # Against the first feature, pairwise.
  first <- m[1, ]
  z <- vapply(seq_len(nrow(m)), function(i) {
    k <- !is.na(m[i, ]) & !is.na(first)
    if (i == 1 || min(table(factor(y[k], 0:1))) < 2) return(NA_real_)
    a <- roc(y[k], m[i, k], direction = "<", quiet = TRUE)
    b <- roc(y[k], first[k], direction = "<", quiet = TRUE)
    t <- quietly(roc.test(a, b, method = "delong", paired = TRUE))
    if (is.null(t) || !is.finite(t$statistic)) NA_real_ else unname(t$statistic)
  }, 0)
  e$auc_z <- z
  write(where, "expected.tsv", e)
  cat("--response response --compare", rownames(m)[1], file = file.path(where, "options"))
}

survival_scan <- function(where) {
  n <- sample(12:70, 1)
  m <- feature_table(15, n, one_of(0, 0.1))
  data <- data.frame(os = times(n), died = rbinom(n, 1, 0.6), age = rnorm(n), sex = sample(c("f", "m"), n, TRUE),
                     site = sample(c("x", "y"), n, TRUE), begin = 0)
  data$begin <- data$os * runif(n) * rbinom(n, 1, 0.5)
  adjusted <- runif(1) < 0.4
  strata <- runif(1) < 0.4
  late <- runif(1) < 0.4
  ties <- if (late) one_of("efron", "breslow") else one_of("efron", "breslow", "exact")
  rows <- lapply(seq_len(nrow(m)), function(i) {
    d <- data
    d$x <- m[i, ]
    d <- d[!is.na(d$x), ]
    if (nrow(d) < 6 || length(unique(d$x)) < 2 || sum(d$died) < 4) return(NULL)
    d$x <- as.numeric(scale(d$x))
    formula <- as.formula(paste(if (late) "Surv(begin, os, died) ~ x" else "Surv(os, died) ~ x", if (adjusted) "+ age + sex",
                                if (strata) "+ strata(site)"))
    f <- quietly(coxph(formula, d, ties = ties))
    if (is.null(f) || anyNA(coef(f)) || max(abs(coef(f))) > 8) return(NULL)
    data.frame(feature = rownames(m)[i], n = nrow(d), events = sum(d$died), effect = coef(f)[1], se = sqrt(f$var[1, 1]))
  })
  e <- do.call(rbind, rows)
  if (is.null(e) || length(unique(data$sex)) < 2 || length(unique(data$site)) < 2) return()
  write_features(where, m, data)
  write(where, "expected.tsv", e)
  cat("--time os --event died --ties", ties, if (late) "--start begin", if (strata) "--strata site",
      if (adjusted) "--covariates age sex", file = file.path(where, "options"))
}

pairs <- function(where) {
  n <- sample(7:50, 1)
  before <- feature_table(20, n, 0)
  after <- before + switch(sample(3, 1), rnorm(length(before)), round(rnorm(length(before))), rexp(length(before)) - 0.7)
  before[runif(length(before)) < 0.05] <- NA
  response <- two_classes(n)
  rows <- lapply(seq_len(nrow(before)), function(i) {
    k <- !is.na(before[i, ])
    d <- after[i, k] - before[i, k]
    if (sum(k) < 6 || all(d == 0) || sd(d) < 1e-9) return(NULL)
    signed <- suppressWarnings(wilcox.test(d))
    r <- response[k]
    apart <- if (min(table(factor(r, 0:1))) < 2) NA else suppressWarnings(wilcox.test(d[r == 1], d[r == 0])$p.value)
    data.frame(feature = rownames(before)[i], statistic = unname(signed$statistic), p = signed$p.value,
               t = unname(t.test(d)$statistic), p_t = t.test(d)$p.value, p_difference = apart)
  })
  e <- do.call(rbind, rows)
  if (is.null(e)) return()
  ids <- colnames(before)
  both <- cbind(before, after)
  colnames(both) <- c(paste0(ids, "a"), paste0(ids, "b"))
  write(where, "features.tsv", data.frame(feature = rownames(both), both, check.names = FALSE))
  write(where, "samples.tsv", data.frame(sample_id = colnames(both), patient_id = c(ids, ids),
                                         visit = rep(c("naive", "on-treatment"), each = n), specimen = "blood", modality = "rna"))
  write(where, "clinical.tsv", data.frame(patient_id = ids, response = ifelse(response == 1, "R", "NR")))
  write(where, "expected.tsv", e)
}

scores <- function(where) {
  genes <- one_of(12, 60, 200)
  n <- one_of(2, 3, 10, 40)
  x <- switch(sample(4, 1), matrix(rnorm(genes * n), genes), matrix(round(rexp(genes * n), 1), genes),
              matrix(rpois(genes * n, one_of(2, 100)), genes), matrix(ifelse(runif(genes * n) < 0.6, 0, rexp(genes * n)), genes))
  constant <- sample(genes, genes %/% 10)
  x[constant, ] <- 1
  dimnames(x) <- list(sprintf("G%03d", seq_len(genes)), sprintf("S%02d", seq_len(n)))
  sizes <- c(1, 2, 3, 5, genes %/% 2, genes - 1)
  sets <- setNames(lapply(sizes, function(k) sample(rownames(x), k)), paste0("set", seq_along(sizes)))
  write(where, "expression.tsv", data.frame(gene = rownames(x), x, check.names = FALSE))
  writeLines(vapply(names(sets), function(s) paste(c(s, "x", sets[[s]]), collapse = "\t"), ""), file.path(where, "sets.gmt"))
  methods <- list(ssgsea_raw = list(method = "ssgsea", ssgsea.norm = FALSE), ssgsea_norm = list(method = "ssgsea"),
                  gsva = list(method = "gsva"), gsva_larger = list(method = "gsva", mx.diff = FALSE),
                  gsva_none = list(method = "gsva", kcdf = "none"), zscore = list(method = "zscore"), plage = list(method = "plage"))
  # Genes of few small counts tie but for the rounding of ppois, which is R's own: larger counts only.
  counts <- all(x == round(x)) && all(x >= 0) && max(x) > 20
  if (counts) methods$gsva_poisson <- list(method = "gsva", kcdf = "Poisson")
  for (name in names(methods)) {
    s <- tryCatch(suppressWarnings(do.call(gsva, c(list(x, sets, verbose = FALSE, parallel.sz = 1), methods[[name]]))),
                  error = function(e) NULL)
    # The singular vector of one gene is 1 for every sample there: a matrix of one row has become a vector.
    if (!is.null(s) && name == "plage") {
      varying <- vapply(sets[rownames(s)], function(g) sum(apply(x[g, , drop = FALSE], 1, sd) > 1e-10), 0)
      s <- s[varying > 1, , drop = FALSE]
    }
    if (!is.null(s)) write(where, paste0(name, ".tsv"), data.frame(set = rownames(s), s, check.names = FALSE))
  }
}

pooled <- function(where) {
  k <- sample(2:8, 1)
  effect <- rnorm(k, 0.3, one_of(0, 0.5))
  se <- runif(k, 0.05, 0.6)
  fixed <- rma(effect, sei = se, method = "FE")
  random <- rma(effect, sei = se, method = "DL", test = "knha")
  write(where, "cohorts.tsv", data.frame(effect = effect, se = se))
  write(where, "expected.tsv", data.frame(effect = c(fixed$beta), se = fixed$se, random_effect = c(random$beta),
                                          tau_squared = random$tau2, i_squared = random$I2 / 100, q = random$QE))
}

# Visits at days, several samples of one day; values from their day on, against coxph on tmerge's rows.
time_varying <- function(where) {
  n <- sample(20:60, 1)
  ids <- sprintf("P%03d", seq_len(n))
  clinical <- data.frame(patient_id = ids, months = round(6 * rexp(n) + 0.2, 2), died = rbinom(n, 1, 0.7), age = rnorm(n))
  visits <- do.call(rbind, lapply(seq_len(n), function(i) {
    k <- sample(4, 1)
    days <- sort(sample(c(-20, -3, 0, 14, 30, 45, 60, 91, 150), k))
    data.frame(sample_id = sprintf("%s_%d", ids[i], seq_len(k)), patient_id = ids[i],
               visit = ifelse(days <= 0, "naive", "on-treatment"), day = days, specimen = "blood", modality = "rna")
  }))
  m <- feature_table(6, nrow(visits), one_of(0, 0.2))
  colnames(m) <- visits$sample_id
  clinical$months <- clinical$months + 1e-3
  adjusted <- runif(1) < 0.5
  ties <- one_of("efron", "breslow")
  rows <- lapply(seq_len(nrow(m)), function(i) {
    v <- visits
    v$x <- m[i, ]
    v <- v[!is.na(v$x), ]
    v$begin <- pmax(v$day, 0) / 30.4375
    v <- v[!duplicated(paste(v$patient_id, v$begin), fromLast = TRUE), ]
    if (nrow(v) == 0) return(NULL)
    d <- tmerge(clinical, clinical, id = patient_id, event = event(months, died))
    d <- tmerge(d, v, id = patient_id, x = tdc(begin, x))
    d <- d[!is.na(d$x), ]
    if (nrow(d) < 8 || length(unique(d$x)) < 2 || sum(d$event) < 5 || length(unique(d$patient_id)) < 8) return(NULL)
    d$x <- as.numeric(scale(d$x))
    f <- quietly(coxph(as.formula(paste("Surv(tstart, tstop, event) ~ x", if (adjusted) "+ age")), d, ties = ties,
                       cluster = patient_id))
    if (is.null(f) || max(abs(coef(f))) > 8) return(NULL)
    data.frame(feature = rownames(m)[i], events = sum(d$event), z = coef(f)[1] / sqrt(f$var[1, 1]))
  })
  e <- do.call(rbind, rows)
  if (is.null(e)) return()
  write(where, "features.tsv", data.frame(feature = rownames(m), m, check.names = FALSE))
  write(where, "samples.tsv", visits)
  write(where, "clinical.tsv", clinical)
  write(where, "expected.tsv", e)
  cat("--samples", file.path(where, "samples.tsv"), "--time months --event died --time-varying --days-per-unit 30.4375 --ties",
      ties, if (adjusted) "--covariates age", file = file.path(where, "options"))
}

kinds <- list(time_varying = time_varying, cox = cox, curves = curves, moderated = moderated, response = response, survival_scan = survival_scan,
              pairs = pairs, scores = scores, pooled = pooled)
if (length(arguments) > 3) kinds <- kinds[arguments[4]]
for (kind in names(kinds)) for (i in seq_len(count)) kinds[[kind]](file.path(folder, kind, i))
