using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Oracle;

/// <summary>One step of forward gradients on a tiny network, with the derivatives that it takes on the way.</summary>
public sealed class OneStep : IDisposable
{
    public const ulong Seed = 7;
    public const uint Number = 3;

    private readonly TinyNetwork _network;
    private readonly WorkerTeam _team = new(1);
    private readonly TrainingStep _training;

    public OneStep(TinyNetwork network, NoiseDistribution perturbation, LossScope scope = LossScope.All, int passes = 1)
    {
        _network = network;
        Derivatives = [.. network.Model.Blocks.Select(block => new float[network.Labels.Length * block.Patches * block.Groups])];
        ForwardGradient rule = new(perturbation, scope, passes, Seed, loss: network.Loss)
        {
            DerivativesTaken = (tile, _, derivatives) =>
                derivatives.Span.CopyTo(Derivatives[tile.Block.Index].AsSpan(tile.FirstExample * tile.Block.Patches * tile.Block.Groups)),
        };
        _training = new TrainingStep(network.Model, rule, _team);
    }

    /// <summary>Directional derivatives of the last pass, for each block [n, p, g], divided by the passes.</summary>
    public float[][] Derivatives { get; }

    public StepResult Run(uint number = Number) => _training.Run(_network.FlatPixels, _network.Labels, number);

    public ReadOnlySpan<float> Gradient(Parameter parameter) => _training.Gradients[parameter];

    public void Dispose() => _team.Dispose();
}
