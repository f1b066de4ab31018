# Writes the reference tables of tests/unit/stats/reference: data made here, figures of R and its packages.
#   Rscript references.R FOLDER        needs qvalue, metafor, survival, nlme
suppressMessages({
  library(qvalue)
  library(metafor)
  library(survival)
  library(nlme)
})
folder <- commandArgs(TRUE)[1]
write <- function(name, table) {
  text <- lapply(table, function(x) if (is.double(x)) sprintf("%.17g", x) else as.character(x))
  write.table(as.data.frame(text), file.path(folder, name), sep = "\t", quote = FALSE, row.names = FALSE)
}
RNGversion("4.0.0")

# q-values: mixtures of nulls and effects; p-values on a grid; few tests.
set.seed(1)
sets <- list(mixed = c(runif(300), rbeta(100, 0.2, 5)), null = runif(200), strong = c(runif(60), rbeta(340, 0.3, 4)),
             grid = round(c(runif(200), rbeta(60, 0.2, 5)), 2), few = c(runif(17), 0.97, 0.001, 1e-5))
write("qvalue.tsv", do.call(rbind, lapply(names(sets), function(name) {
  q <- qvalue(sets[[name]])
  data.frame(set = name, p = sets[[name]], q = q$qvalues, pi0 = q$pi0)
})))

# Smoothing splines of three degrees of freedom and more, and of uneven points.
set.seed(2)
splines <- list(list(x = seq(0.05, 0.95, 0.05), df = 3), list(x = sort(runif(30)), df = 5), list(x = (1:40)^1.5, df = 8))
write("smooth_spline.tsv", do.call(rbind, lapply(seq_along(splines), function(i) {
  x <- splines[[i]]$x
  y <- sin(6 * x / max(x)) + rnorm(length(x)) / 4
  data.frame(set = i, df = splines[[i]]$df, x = x, y = y, fitted = predict(smooth.spline(x, y, df = splines[[i]]$df), x)$y)
})))

# lowess: spans, robust iterations, interpolation over near points, ties, an outlier.
set.seed(3)
calls <- list(list(f = 2 / 3, iter = 3, delta = 0), list(f = 0.3, iter = 0, delta = 0), list(f = 0.5, iter = 4, delta = 0.4),
              list(f = 0.5, iter = 3, delta = 0))
write("lowess.tsv", do.call(rbind, lapply(seq_along(calls), function(i) {
  x <- sort(if (i == 4) round(runif(80, 0, 10)) else runif(80, 0, 10))
  y <- cos(x) + rnorm(80) / 3
  y[20] <- 15
  a <- calls[[i]]
  data.frame(set = i, span = a$f, iterations = a$iter, delta = a$delta, x = x, y = y,
             fitted = lowess(x, y, f = a$f, iter = a$iter, delta = a$delta)$y)
})))

# Meta-analysis: homogeneous, heterogeneous, two studies, one study of great weight.
set.seed(4)
studies <- list(same = list(rnorm(6, 0.3, 0.2), rep(0.2, 6)), different = list(rnorm(8, 0.3, 0.8), runif(8, 0.1, 0.4)),
                two = list(c(0.1, 0.9), c(0.2, 0.3)), heavy = list(c(rnorm(4), 2), c(0.5, 0.6, 0.7, 0.4, 0.01)))
write("meta_analysis.tsv", do.call(rbind, lapply(names(studies), function(name) {
  y <- studies[[name]][[1]]
  se <- studies[[name]][[2]]
  fixed <- rma(y, sei = se, method = "FE")
  random <- rma(y, sei = se, method = "DL")
  knapp <- rma(y, sei = se, method = "DL", test = "knha")
  data.frame(set = name, effect = y, se = se, fixed = c(fixed$beta), fixed_se = fixed$se, random = c(random$beta),
             random_se = random$se, random_t_se = knapp$se, p_random = knapp$pval, tau_squared = random$tau2,
             q = random$QE, p_heterogeneity = random$QEp, i_squared = random$I2 / 100,
             random_lower = knapp$ci.lb, random_upper = knapp$ci.ub)
})))

# Fisher: fisher.test() finds odds ratios to 1e-4 only; its own equations are solved again to the last digits.
tables <- list(c(3, 1, 1, 3), c(10, 2, 3, 15), c(0, 5, 7, 3), c(5, 0, 3, 7), c(12, 5, 29, 2), c(40, 35, 60, 21),
               c(7, 12, 0, 5), c(2, 3, 31, 4), c(1, 1, 1, 1), c(200, 150, 180, 170), c(4, 0, 0, 4))
write("fisher.tsv", do.call(rbind, lapply(tables, function(t) {
  x <- t[1]
  m <- t[1] + t[3]
  n <- t[2] + t[4]
  k <- t[1] + t[2]
  support <- max(0, k - n):min(k, m)
  density <- function(odds) {
    d <- dhyper(support, m, n, k, log = TRUE) + odds * support
    d <- exp(d - max(d))
    d / sum(d)
  }
  root <- function(f) exp(uniroot(f, c(-40, 40), tol = 1e-14, maxiter = 10000)$root)
  lower <- if (x == min(support)) 0 else root(function(o) sum(density(o)[support >= x]) - 0.025)
  upper <- if (x == max(support)) Inf else root(function(o) sum(density(o)[support <= x]) - 0.025)
  odds <- if (x == min(support)) 0 else if (x == max(support)) Inf else root(function(o) sum(density(o) * support) - x)
  data.frame(a = t[1], b = t[2], c = t[3], d = t[4], odds_ratio = odds, lower = lower, upper = upper,
             p = fisher.test(matrix(t, 2, byrow = TRUE))$p.value)
})))

# Cox with (start, stop] rows, strata, clusters and ties. (coxph walks through all subsets for exact ties of such rows.)
set.seed(5)
n <- 160
cox <- data.frame(cluster = rep(1:80, each = 2), stratum = rep(1:2, each = 80), start = round(rexp(n, 0.5)),
                  x = rnorm(n), z = rbinom(n, 1, 0.4))
cox$stop <- cox$start + ceiling(4 * rexp(n, exp(0.4 * cox$x - 0.3 * cox$z)))
cox$event <- rbinom(n, 1, 0.7)
write("cox_rows.tsv", cox)
fit <- function(name, formula, ties) {
  f <- coxph(formula, cox, ties = ties)
  robust <- if (is.null(f$naive.var)) f$var else f$naive.var
  test <- if (ties == "exact") NULL else cox.zph(f)$table
  data.frame(model = name, ties = ties, coef_x = coef(f)[1], coef_z = coef(f)[2], se_x = sqrt(robust[1, 1]),
             se_z = sqrt(robust[2, 2]), robust_x = if (is.null(f$naive.var)) NA else sqrt(f$var[1, 1]),
             robust_z = if (is.null(f$naive.var)) NA else sqrt(f$var[2, 2]), loglik = f$loglik[2],
             zph_x = if (is.null(test)) NA else test[1, 1], zph_global = if (is.null(test)) NA else test[3, 1])
}
write("cox_fits.tsv", rbind(fit("plain", Surv(stop, event) ~ x + z, "efron"), fit("plain", Surv(stop, event) ~ x + z, "breslow"),
  fit("plain", Surv(stop, event) ~ x + z, "exact"), fit("strata", Surv(stop, event) ~ x + z + strata(stratum), "efron"),
  fit("start", Surv(start, stop, event) ~ x + z, "efron"), fit("start", Surv(start, stop, event) ~ x + z, "breslow"),
  fit("cluster", Surv(start, stop, event) ~ x + z + strata(stratum) + cluster(cluster), "efron"),
  fit("cluster", Surv(start, stop, event) ~ x + z + strata(stratum) + cluster(cluster), "breslow")))

# Mixed model time x response, some patients with one visit only; degrees of freedom within patients.
set.seed(6)
mixed <- expand.grid(late = 0:1, patient = 1:30)
mixed$response <- as.integer(mixed$patient %% 3 == 0)
mixed$value <- rnorm(30)[mixed$patient] + 0.3 * mixed$late + 0.5 * mixed$late * mixed$response + rnorm(60) / 2
mixed <- mixed[-c(4, 9, 20), ]
model <- lme(value ~ late * response, random = ~ 1 | patient, data = mixed, method = "REML",
             control = lmeControl(tolerance = 1e-12, msTol = 1e-14, niterEM = 200))
table <- summary(model)$tTable
mixed$time <- table[2, 1]
mixed$time_se <- table[2, 2]
mixed$time_p <- table[2, 5]
mixed$time_response <- table[4, 1]
mixed$time_response_se <- table[4, 2]
mixed$time_response_p <- table[4, 5]
write("mixed_model.tsv", mixed)
