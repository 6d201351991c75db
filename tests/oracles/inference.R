# Makes inference.csv (made-up data) and inference_expected.csv (what R says about them).
# Needs the packages sandwich, lmtest, clubSandwich, estimatr and plm. In this folder:
#     Rscript inference.R

suppressPackageStartupMessages({
  library(sandwich)
  library(lmtest)
  library(clubSandwich)
  library(estimatr)
  library(plm)
})

# Data: 24 zones in 8 states of unequal size, 6 years, 20 sectors

set.seed(19502020)
zones <- 24
years <- 6
sectors <- 20
d <- expand.grid(year = 1:years, zone = 1:zones)
state <- rep(1:8, times = c(1, 2, 2, 3, 3, 4, 4, 5))
d$state <- state[d$zone]
d$lat <- round(runif(zones, 30, 48), 2)[d$zone]
d$lon <- round(runif(zones, -120, -70), 2)[d$zone]
n <- nrow(d)
shares <- matrix(rexp(n * sectors)^2, n)
shares <- round(shares / rowSums(shares) * runif(n, 0.3, 0.9), 4)
colnames(shares) <- paste0("share", 1:sectors)
shocks <- round(rnorm(sectors), 3)
d$z <- round(rnorm(n), 3)
d$x <- round(0.3 * d$z + 4 * shares %*% shocks + rnorm(8)[d$state] + rnorm(years)[d$year] + rnorm(n), 3)[, 1]
noise <- rnorm(8)[d$state] + rnorm(n) * (0.5 + abs(d$x))
d$y <- round(1 + 0.5 * d$x - 0.2 * d$z + 0.5 * shares %*% shocks + noise, 3)[, 1]
write.csv(cbind(d, shares), "inference.csv", row.names = FALSE, quote = FALSE)
d <- read.csv("inference.csv")
W <- as.matrix(d[grep("share", names(d))])

# Expectations: name, value of the coefficient or standard error of x

out <- list(beta = NULL)
se <- function(V, name = "x") sqrt(V[name, name])
fit <- lm(y ~ x + z, d)
out$beta <- coef(fit)["x"]
for (type in c("HC0", "HC1", "HC2", "HC3")) out[[type]] <- coeftest(fit, vcovHC(fit, type))["x", 2]
out$sandwich_CR1 <- se(vcovCL(fit, ~state, type = "HC1"))
for (type in c("CR0", "CR1S", "CR2", "CR3"))
  out[[paste0("club_", type)]] <- se(as.matrix(vcovCR(fit, d$state, type)))
robust <- function(kind) lm_robust(y ~ x + z, d, clusters = state, se_type = kind)
out$estimatr_CR2 <- robust("CR2")$std.error["x"]
out$estimatr_stata <- robust("stata")$std.error["x"]
out$two_way <- se(vcovCL(fit, ~state + year, type = "HC1", multi0 = FALSE))
fe <- plm(y ~ x + z, d, index = c("zone", "year"), model = "within", effect = "twoways")
out$fe_beta <- coef(fe)["x"]
out$fe_cluster <- se(vcovHC(fe, method = "arellano", type = "HC0", cluster = "group"))
out$fe_hc1 <- se(vcovHC(fe, method = "white1", type = "HC0")) * sqrt(n / fe$df.residual)

# Conley, as the sum says it

X <- model.matrix(fit)
u <- resid(fit)
radius <- 6371.0088
meat <- matrix(0, 3, 3)
for (i in 1:n) for (j in 1:n) {
  a <- c(d$lat[i], d$lon[i], d$lat[j], d$lon[j]) * pi / 180
  cosine <- sin(a[1]) * sin(a[3]) + cos(a[1]) * cos(a[3]) * cos(a[2] - a[4])
  distance <- if (d$zone[i] == d$zone[j]) 0 else radius * acos(cosine)
  meat <- meat + max(0, 1 - distance / 500) * u[i] * u[j] * tcrossprod(X[i, ], X[j, ])
}
bread <- solve(crossprod(X))
out$conley <- sqrt((bread %*% meat %*% bread * n / (n - 3))[2, 2])

# AKM, AKM0 and the regression across shocks, of y on x = W %*% shocks; controls z and the sum of
# the shares

total <- rowSums(W)
dot <- function(v) lm.fit(cbind(1, d$z, total), v)$residuals
x <- dot(W %*% shocks)
y <- dot(d$y)
beta <- sum(x * y) / sum(x^2)
h <- lm.fit(W, x)$coefficients
out$akm_beta <- beta
out$akm <- sqrt(sum((h * crossprod(W, y - beta * x))^2)) / sum(x^2)
accepted <- function(b)
  abs(sum(x * (y - b * x))) - qnorm(0.975) * sqrt(sum((h * crossprod(W, y - b * x))^2))
out$akm0_low <- uniroot(accepted, c(beta - 50 * out$akm, beta), tol = 1e-13)$root
out$akm0_high <- uniroot(accepted, c(beta, beta + 50 * out$akm), tol = 1e-13)$root
size <- colSums(W)
shock <- data.frame(y = colSums(W * y) / size, x = colSums(W * x) / size, g = shocks, size)
level <- iv_robust(y ~ x | g, shock, weights = size, se_type = "HC0")
out$bhj_beta <- level$coefficients["x"]
out$bhj <- level$std.error["x"]

write.csv(data.frame(name = names(out), value = sprintf("%.15g", unlist(out))),
          "inference_expected.csv", row.names = FALSE, quote = FALSE)
write.csv(data.frame(shock = shocks), "inference_shocks.csv", row.names = FALSE, quote = FALSE)
