using Onward.Threads;

namespace Onward.Laboratory;

/// <summary>
/// Measures the four forward gradients of one linear layer (paper Table 1) and the exact gradient. The problem is
/// synthetic, and its V and S are known in closed form.
/// </summary>
/// <remarks>
/// <para>
/// Inputs x [N, p] are normal numbers after a ReLU. The gradient that reaches output j is c (-1)^j + e, where c is the chosen
/// mean and e is normal. All are independent, and G = x dᵀ is the gradient of one example. With E x = 1/sqrt(2 pi)
/// and E x² = 1/2, every element of the expected gradient is ±c / sqrt(2 pi). So S = c² / (2 pi) and V = (1 + c²) / 2 - S.
/// </para>
/// <para>
/// Every draw uses new data and new directions, so the variance over both is measured directly. Bias and
/// cosine are measured relative to the expected gradient. All estimators see the same batches.
/// </para>
/// <para>
/// Draw t belongs to lane t mod 16, and each lane has its own sums. So results depend only on the seed and the options,
/// bit for bit, not on the number of threads.
/// </para>
/// </remarks>
public static class LinearLayerExperiment
{
    /// <summary>Names of the measured gradients, in order: the exact gradient of the batch, then the estimators of Table 1.</summary>
    public static IReadOnlyList<string> Estimators { get; } =
    [
        "exact gradient",
        "weights, shared",
        "weights, independent",
        "activities, shared",
        "activities, independent",
    ];

    private const int Lanes = 16;

    /// <summary>V and S of the problem.</summary>
    /// <param name="mean">Mean of the gradient, <see cref="LinearLayerOptions.Mean"/>.</param>
    public static VarianceTheory Theory(double mean)
    {
        double squaredMean = mean * mean / (2 * Math.PI);
        return new VarianceTheory(((1 + (mean * mean)) / 2) - squaredMean, squaredMean);
    }

    /// <summary>The variance of one of the <see cref="Estimators"/> in closed form.</summary>
    /// <param name="estimator">Index in <see cref="Estimators"/>.</param>
    /// <param name="options">The layer.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such estimator.</exception>
    public static double Theory(int estimator, LinearLayerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(estimator);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(estimator, Estimators.Count);
        VarianceTheory theory = Theory(options.Mean);
        double numbers = estimator <= LinearLayerDraw.WeightsIndependent ? (double)options.FanIn * options.FanOut : options.FanOut;
        bool shared = estimator is LinearLayerDraw.WeightsShared or LinearLayerDraw.ActivitiesShared;
        return estimator == LinearLayerDraw.Exact
            ? theory.Exact(options.Examples)
            : theory.Estimate(numbers, shared, options.Examples, options.Passes, options.FourthMoment);
    }

    /// <summary>Runs the experiment.</summary>
    /// <param name="options">The layer and the number of draws.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="cancellation">Cancels the measurement.</param>
    /// <returns>One entry for each of <see cref="Estimators"/>.</returns>
    /// <exception cref="ArgumentException">The options are out of range.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public static IReadOnlyList<LinearLayerEstimate> Run(
        LinearLayerOptions options, WorkerTeam team, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(team);
        options.Validate();
        float[] expected = new float[options.FanIn * options.FanOut];
        for (int i = 0; i < expected.Length; i++)
        {
            expected[i] = LinearLayerDraw.MeanAt(i % options.FanOut, options.Mean) / MathF.Sqrt(2 * MathF.PI);
        }

        EstimateMoments[][] lanes =
        [
            .. Enumerable.Range(0, Lanes).Select(_ => Estimators.Select(_ => new EstimateMoments(expected, expected.Length)).ToArray()),
        ];
        LinearLayerDraw[] draws = [.. Enumerable.Range(0, team.Count).Select(_ => new LinearLayerDraw(options))];
        team.Run(Lanes, (lane, worker) =>
        {
            for (int t = lane; t < options.Draws && !cancellation.IsCancellationRequested; t += Lanes)
            {
                draws[worker].Take((uint)t, lanes[lane]);
            }
        });
        cancellation.ThrowIfCancellationRequested();
        for (int lane = 1; lane < Lanes; lane++)
        {
            for (int e = 0; e < Estimators.Count; e++)
            {
                lanes[0][e].Add(lanes[lane][e]);
            }
        }

        return [.. Estimators.Select((name, e) => new LinearLayerEstimate(name, Theory(e, options), lanes[0][e].Measure()))];
    }
}
