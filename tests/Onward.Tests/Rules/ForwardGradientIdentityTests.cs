using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>
/// A forward gradient is unbiased if and only if its estimates along an orthonormal set of directions add up to the
/// gradient: an exact test, no sampling. The gradient is that of backprop on the same losses.
/// </summary>
public sealed class ForwardGradientIdentityTests
{
    [Theory]
    [InlineData(LossScope.Global, BackwardScope.Readout, 0)]
    [InlineData(LossScope.Block, BackwardScope.LocalLossesWithinBlock, 0)]
    [InlineData(LossScope.All, BackwardScope.LocalLossesWithinBlock, 0)]
    [InlineData(LossScope.Global, BackwardScope.Readout, 4)]
    [InlineData(LossScope.All, BackwardScope.LocalLossesWithinBlock, 4)]
    [InlineData(LossScope.Global, BackwardScope.Readout, 0, TokenMixer.DepthwiseConvolution)]
    [InlineData(LossScope.Block, BackwardScope.LocalLossesWithinBlock, 0, TokenMixer.DepthwiseConvolution)]
    [InlineData(LossScope.All, BackwardScope.LocalLossesWithinBlock, 0, TokenMixer.DepthwiseConvolution)]
    public void Activity_estimates_along_all_directions_add_up_to_the_gradient(
        LossScope scope, BackwardScope target, int projection, TokenMixer mixer = TokenMixer.Matrix) =>
        RequireActivityIdentity(new SmallNetwork(projection: projection, tokenMixer: mixer), scope, target);

    [Theory]
    [InlineData(LossScope.Global, BackwardScope.Readout, PatchPooling.Average)]
    [InlineData(LossScope.Global, BackwardScope.Readout, PatchPooling.Maximum)]
    [InlineData(LossScope.All, BackwardScope.LocalLossesWithinBlock, PatchPooling.Average)]
    [InlineData(LossScope.All, BackwardScope.LocalLossesWithinBlock, PatchPooling.Maximum)]
    public void Estimates_of_a_scaled_network_add_up_to_its_gradient(LossScope scope, BackwardScope target, PatchPooling pooling)
    {
        RequireActivityIdentity(new SmallNetwork(blocks: 3, scaled: pooling), scope, target);
        RequireWeightIdentity(new SmallNetwork(Normalizations.All & ~Normalizations.PostLinear, blocks: 3, scaled: pooling), scope, target);
    }

    [Theory]
    [InlineData(LossScope.Global, BackwardScope.Readout, 2)]
    [InlineData(LossScope.Block, BackwardScope.LocalLossesWithinBlock, 2)]
    [InlineData(LossScope.Block | LossScope.Patch, BackwardScope.LocalLossesWithinBlock, 2)]
    [InlineData(LossScope.All, BackwardScope.LocalLossesWithinBlock, 1)]
    [InlineData(LossScope.Global, BackwardScope.Readout, 2, TokenMixer.DepthwiseConvolution)]
    [InlineData(LossScope.Block, BackwardScope.LocalLossesWithinBlock, 2, TokenMixer.DepthwiseConvolution)]
    [InlineData(LossScope.All, BackwardScope.LocalLossesWithinBlock, 1, TokenMixer.DepthwiseConvolution)]
    public void Weight_estimates_along_all_directions_add_up_to_the_gradient(
        LossScope scope, BackwardScope target, int groups, TokenMixer mixer = TokenMixer.Matrix) =>
        RequireWeightIdentity(new SmallNetwork(groups: groups, tokenMixer: mixer), scope, target);

    [Theory]
    [InlineData(LossScope.Global, BackwardScope.Readout, 4)]
    [InlineData(LossScope.Block, BackwardScope.LocalLossesWithinBlock, 4)]
    public void Weight_estimates_add_up_to_the_gradient_of_losses_that_compare_examples(
        LossScope scope, BackwardScope target, int projection) =>
        RequireWeightIdentity(new SmallNetwork(projection: projection), scope, target);

    // A normalisation over all channels would carry a weight's influence from its group to the others.
    [Theory]
    [InlineData(LossScope.Block | LossScope.Group, TokenMixer.Matrix)]
    [InlineData(LossScope.All, TokenMixer.Matrix)]
    [InlineData(LossScope.All, TokenMixer.DepthwiseConvolution)]
    public void Weight_estimates_by_group_add_up_to_the_gradient_where_no_normalisation_joins_the_groups(
        LossScope scope, TokenMixer mixer) =>
        RequireWeightIdentity(
            new SmallNetwork(Normalizations.All & ~Normalizations.PostLinear, tokenMixer: mixer),
            scope,
            BackwardScope.LocalLossesWithinBlock);

    [Theory]
    [InlineData(LossScope.Block)]
    [InlineData(LossScope.All)]
    public void Estimates_layer_by_layer_add_up_to_the_gradient(LossScope scope) =>
        RequireActivityIdentity(new SmallNetwork(blocks: 3), scope, layerwise: true);

    // What has no noise in it, the last layer's gradient and predictions, is in each estimate, whatever the direction; the rest adds up.
    // That holds
    // for predictions through any matrices, the more so as these are random.
    [Theory]
    [InlineData(LossScope.All, false, 0, PatchPooling.Average)]
    [InlineData(LossScope.All, true, 0, PatchPooling.Maximum)]
    [InlineData(LossScope.Block, true, 0, null)]
    [InlineData(LossScope.Block, false, 0, null)]
    [InlineData(LossScope.Block | LossScope.Group, false, 0, null)]
    [InlineData(LossScope.Block | LossScope.Patch, false, 4, null)]
    [InlineData(LossScope.Global, false, 0, PatchPooling.Average)]
    [InlineData(LossScope.Global, false, 0, PatchPooling.Maximum)]
    [InlineData(LossScope.Global, false, 4, null)]
    [InlineData(LossScope.Global, false, 0, null, TokenMixer.DepthwiseConvolution)]
    public void Estimates_without_noise_on_the_last_layer_add_up_to_the_gradient(
        LossScope scope, bool layerwise, int projection, PatchPooling? pooling, TokenMixer mixer = TokenMixer.Matrix)
    {
        foreach (ControlVariate controlVariate in Enum.GetValues<ControlVariate>())
        {
            SmallNetwork network = new(projection: projection, blocks: 3, scaled: pooling, tokenMixer: mixer);
            BackwardScope target = scope == LossScope.Global ? BackwardScope.Readout : BackwardScope.LocalLossesWithinBlock;
            using WorkerTeam team = new(2);
            SmallNetwork.OneHot direction = new();
            ForwardGradient rule = new(
                direction, scope, passes: 1, seed: 1, layerwise: layerwise, sites: NoiseSites.Hidden, controlVariate: controlVariate);
            TrainingStep training = new(network.Model, rule, team);
            if (rule.Feedback is not null)
            {
                rule.Feedback.IsFitted = false;
                CounterRandom.Normals(new RandomStream(3, RandomPurpose.Feedback), 0, rule.Feedback.Matrices.All);
                TensorPrimitives.Multiply(rule.Feedback.Matrices.All, 0.2f, rule.Feedback.Matrices.All);
            }

            int[] exactLayers =
            [
                .. network.Model.Blocks.Where(block => scope != LossScope.Global || block.Index == 2)
                .Select(block => block.Layers[^1].Index),
            ];
            direction.At = (exactLayers[0], 0, 0); // where no noise is drawn
            float[] withoutNoise = network.Gradients(training), sum = [.. withoutNoise];
            foreach ((int Layer, int Example, int Element) at in network.Activities.Where(at => !exactLayers.Contains(at.Layer)))
            {
                direction.At = at;
                float[] estimate = network.Gradients(training);
                TensorPrimitives.Subtract(estimate, withoutNoise, estimate);
                TensorPrimitives.Add(sum, estimate, sum);
            }

            network.RequireEqualTrunks(network.Gradients(Backpropagation.ThroughWeights(target)), sum);
        }
    }

    private static void RequireActivityIdentity(
        SmallNetwork network, LossScope scope, BackwardScope target = BackwardScope.LocalLossesWithinBlock, bool layerwise = false)
    {
        using WorkerTeam team = new(1);
        SmallNetwork.OneHot direction = new();
        TrainingStep training = new(network.Model, new ForwardGradient(direction, scope, 1, seed: 1, layerwise: layerwise), team);
        float[] sum = new float[network.Model.Values.All.Length];
        foreach ((int Layer, int Example, int Element) at in network.Activities)
        {
            direction.At = at;
            TensorPrimitives.Add(sum, network.Gradients(training), sum);
        }

        network.RequireEqualTrunks(network.Gradients(Backpropagation.ThroughWeights(target)), sum);
    }

    private static void RequireWeightIdentity(SmallNetwork network, LossScope scope, BackwardScope target)
    {
        using WorkerTeam team = new(2);
        SmallNetwork.OneHot direction = new();
        TrainingStep training = new(network.Model, new WeightForwardGradient(direction, scope, 1, seed: 1), team);
        float[] sum = new float[network.Model.Values.All.Length];

        foreach (NetworkLayer layer in network.Layers)
        {
            foreach ((Parameter parameter, int stream) in new[] { (layer.Weight, 0), (layer.Bias, 1) })
            {
                for (int element = 0; element < parameter.Length; element++)
                {
                    direction.At = (layer.Index, stream, element);
                    TensorPrimitives.Add(sum, network.Gradients(training), sum);
                }
            }
        }

        network.RequireEqualTrunks(network.Gradients(Backpropagation.ThroughWeights(target)), sum);
    }

    [Theory]
    [InlineData(LossScope.Global)]
    [InlineData(LossScope.All)]
    public void Several_passes_average_the_estimates_of_single_ones(LossScope scope)
    {
        SmallNetwork network = new();
        float[] activity = network.Gradients(new ForwardGradient(NoiseDistribution.Gaussian, scope, 3, seed: 5));
        float[] weight = network.Gradients(new WeightForwardGradient(NoiseDistribution.Gaussian, scope, 3, seed: 5));

        float[] activityMean = new float[activity.Length], weightMean = new float[weight.Length];
        for (uint pass = 0; pass < 3; pass++)
        {
            OnePass one = new(pass);
            TensorPrimitives.MultiplyAdd(
                network.Gradients(new ForwardGradient(one, scope, 1, seed: 5)), 1f / 3, activityMean, activityMean);
            TensorPrimitives.MultiplyAdd(
                network.Gradients(new WeightForwardGradient(one, scope, 1, seed: 5)), 1f / 3, weightMean, weightMean);
        }

        network.RequireEqualTrunks(activityMean, activity);
        network.RequireEqualTrunks(weightMean, weight);
    }

    // The Gaussian direction of a given pass, in a run of one pass.
    private sealed class OnePass(uint pass) : NoiseDistribution
    {
        public override void Draw(in Onward.Kernels.RandomStream stream, int firstElement, Span<float> noise) =>
            Gaussian.Draw(stream with { Pass = pass }, firstElement, noise);
    }
}
