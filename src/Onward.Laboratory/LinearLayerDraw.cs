using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Laboratory;

/// <summary>Memory of one thread for a batch of a <see cref="LinearLayerExperiment"/>, and the estimators that it compares.</summary>
/// <remarks>
/// With independent activity directions, all examples are handled by one matrix product. With independent weight directions,
/// each example has its own matrix. These matrices are drawn and used one at a time, so that only one is in memory.
/// </remarks>
internal sealed class LinearLayerDraw
{
    internal const int Exact = 0;
    internal const int WeightsShared = 1;
    internal const int WeightsIndependent = 2;
    internal const int ActivitiesShared = 3;
    internal const int ActivitiesIndependent = 4;

    private const uint Inputs = 0;
    private const uint Deltas = 1;

    private readonly LinearLayerOptions _options;
    private readonly float[] _x; // [N, p]
    private readonly float[] _delta; // [N, q]
    private readonly float[] _directions; // [N, q]
    private readonly float[] _direction; // [p, q]
    private readonly float[] _gradient; // [p, q]
    private readonly float[] _example; // [p, q]
    private readonly float[] _estimate; // [p, q]
    private readonly float[] _workspace;

    internal LinearLayerDraw(LinearLayerOptions options)
    {
        _options = options;
        int weights = options.FanIn * options.FanOut;
        _x = new float[checked(options.Examples * options.FanIn)];
        _delta = new float[checked(options.Examples * options.FanOut)];
        _directions = new float[_delta.Length];
        _direction = new float[weights];
        _gradient = new float[weights];
        _example = new float[weights];
        _estimate = new float[weights];
        _workspace = new float[Gemm.WorkspaceLength(options.Examples)];
    }

    /// <summary>The mean of the gradient that reaches output j.</summary>
    internal static float MeanAt(int j, float mean) => j % 2 == 0 ? mean : -mean;

    /// <summary>Draws a batch and directions, and adds the estimate of each estimator to its moments.</summary>
    internal void Take(uint draw, EstimateMoments[] moments)
    {
        DrawBatch(draw);
        Multiply(_delta, _gradient, accumulate: false);
        TensorPrimitives.Multiply(_gradient, 1f / _options.Examples, _gradient);
        moments[Exact].Add(_gradient);
        Perturb(draw, WeightsShared, moments, PerturbWeightsShared);
        Perturb(draw, WeightsIndependent, moments, PerturbWeightsIndependent);
        Perturb(draw, ActivitiesShared, moments, PerturbActivities);
        Perturb(draw, ActivitiesIndependent, moments, PerturbActivities);
    }

    private void DrawBatch(uint draw)
    {
        RandomStream data = new(_options.Seed, RandomPurpose.Data, draw);
        CounterRandom.Normals(data with { Layer = Inputs }, 0, _x);
        TensorPrimitives.Max(_x, 0f, _x);
        CounterRandom.Normals(data with { Layer = Deltas }, 0, _delta);
        for (int i = 0; i < _delta.Length; i++)
        {
            _delta[i] += MeanAt(i % _options.FanOut, _options.Mean);
        }
    }

    private void Perturb(uint draw, int estimator, EstimateMoments[] moments, Action<RandomStream, int> addEstimate)
    {
        Array.Clear(_estimate);
        for (int pass = 0; pass < _options.Passes; pass++)
        {
            addEstimate(new RandomStream(_options.Seed, RandomPurpose.Perturbation, draw, (uint)pass, (uint)estimator), estimator);
        }

        TensorPrimitives.Multiply(_estimate, 1f / _options.Passes, _estimate);
        moments[estimator].Add(_estimate);
    }

    // Adds (G · v) v, where G is the gradient of the whole batch.
    private void PerturbWeightsShared(RandomStream stream, int estimator)
    {
        _options.Noise.Draw(stream, 0, _direction);
        TensorPrimitives.MultiplyAdd(_direction, TensorPrimitives.Dot<float>(_gradient, _direction), _estimate, _estimate);
    }

    // Adds (G_n · v_n) v_n for each example n, where G_n is the gradient of the example.
    private void PerturbWeightsIndependent(RandomStream stream, int estimator)
    {
        int p = _options.FanIn, q = _options.FanOut;
        for (int n = 0; n < _options.Examples; n++)
        {
            ReadOnlySpan<float> delta = _delta.AsSpan(n * q, q);
            for (int i = 0; i < p; i++)
            {
                TensorPrimitives.Multiply(delta, _x[(n * p) + i], _example.AsSpan(i * q, q));
            }

            _options.Noise.Draw(stream with { Example = (uint)n }, 0, _direction);
            float derivative = TensorPrimitives.Dot<float>(_example, _direction) / _options.Examples;
            TensorPrimitives.MultiplyAdd(_direction, derivative, _estimate, _estimate);
        }
    }

    // Adds x_n ⊗ (d_n · u_n) u_n over all examples n, as one matrix product.
    private void PerturbActivities(RandomStream stream, int estimator)
    {
        int q = _options.FanOut;
        for (int n = 0; n < _options.Examples; n++)
        {
            Span<float> u = _directions.AsSpan(n * q, q);
            _options.Noise.Draw(estimator == ActivitiesShared ? stream : stream with { Example = (uint)n }, 0, u);
            TensorPrimitives.Multiply(u, TensorPrimitives.Dot<float>(_delta.AsSpan(n * q, q), u) / _options.Examples, u);
        }

        Multiply(_directions, _estimate, accumulate: true);
    }

    // result [p, q] = xᵀ y, or result += xᵀ y, where y is [N, q].
    private void Multiply(float[] y, float[] result, bool accumulate)
    {
        int p = _options.FanIn, q = _options.FanOut;
        Gemm.Multiply(new MatrixView(_x, _options.Examples, p).Transposed, new(y, _options.Examples, q), result, q, accumulate, _workspace);
    }
}
