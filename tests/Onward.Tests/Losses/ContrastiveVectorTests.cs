using Onward.Engine;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Tests.Rules;
using Onward.Threads;

namespace Onward.Tests.Losses;

/// <summary>Self-supervised LG-FG-A and LG-BP against values that an independent program computed in float64 from naive replicas.</summary>
public sealed class ContrastiveVectorTests
{
    public static IEnumerable<TheoryDataRow<string>> Files() =>
        VectorFile.Paths("contrastive").Select(path => new TheoryDataRow<string>(path));

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Files))]
    public void Losses_and_directional_derivatives_meet_the_expected_ones(string path)
    {
        VectorFile file = VectorFile.Read(path);
        using WorkerTeam team = new(1);
        LocalMixerOptions options = file.Model.Mixer!;
        float[][] derivatives = [.. file.Model.Blocks.Select(_ => new float[file.Labels.Length * options.Patches * options.Groups])];
        ForwardGradient rule = new(file.Noise, LossScope.All, 1, seed: 0, loss: file.Loss)
        {
            DerivativesTaken = (tile, _, taken) =>
                taken.Span.CopyTo(derivatives[tile.Block.Index].AsSpan(tile.FirstExample * options.Patches * options.Groups)),
        };
        TrainingStep training = new(file.Model, rule, team);

        StepResult result = training.Run(file.Input, file.Labels, 0);

        Tolerance.Near(
            file.Expected("lgFgA", "localLosses"), [.. result.BlockLosses.Select(loss => (float)loss)], Tolerance.Network, "local losses");
        Assert.All(
            derivatives, (taken, k) => Tolerance.Near(file.Expected("lgFgA", "jvp", k), taken, Tolerance.Network, $"jvp of block {k}"));
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Files))]
    public void Gradients_of_forward_gradients_meet_the_expected_ones(string path)
    {
        VectorFile file = VectorFile.Read(path);
        using WorkerTeam team = new(2);
        TrainingStep training = new(file.Model, new ForwardGradient(file.Noise, LossScope.All, 1, seed: 0, loss: file.Loss), team);

        training.Run(file.Input, file.Labels, 0);

        RequireGradients(file, training, "lgFgA");
    }

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Files))]
    public void Gradients_of_local_backprop_meet_the_expected_ones(string path)
    {
        VectorFile file = VectorFile.Read(path);
        using WorkerTeam team = new(2);
        TrainingStep training = new(
            file.Model,
            Backpropagation.ThroughWeights(BackwardScope.LocalLossesWithinBlock, loss: file.Loss),
            team);

        StepResult result = training.Run(file.Input, file.Labels, 0);

        Tolerance.Near(file.Expected("lgBp", "totalLoss"), [(float)result.BlockLosses.Sum()], Tolerance.Network, "total loss");
        RequireGradients(file, training, "lgBp");
    }

    // The projectors' exact gradients are the same for both rules.
    private static void RequireGradients(VectorFile file, TrainingStep training, string name)
    {
        foreach (NetworkBlock block in file.Model.Blocks)
        {
            for (int l = 0; l < block.Layers.Count; l++)
            {
                NetworkLayer layer = block.Layers[l];
                float[] weight = file.Expected(name, "gradients", block.Index, l, "weight");
                Tolerance.Near(weight, training.Gradients[layer.Weight], Tolerance.Network, layer.Weight.Name);
                Tolerance.Near(
                    file.Expected(name, "gradients", block.Index, l, "bias"),
                    training.Gradients[layer.Bias],
                    Tolerance.Network,
                    layer.Bias.Name,
                    Tolerance.Norm(weight));
            }

            Tolerance.Near(
                file.Expected("lgBp", "projectorGradients", block.Index, "weight"),
                training.Gradients[block.Head.Weight],
                Tolerance.Network,
                block.Head.Weight.Name);
            Tolerance.Near(
                file.Expected("lgBp", "projectorGradients", block.Index, "bias"),
                training.Gradients[block.Head.Bias],
                Tolerance.Network,
                block.Head.Bias.Name);
        }
    }
}
