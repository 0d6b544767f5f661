/* The kernel's interface to a search tree, on one that is never balanced: small trees are all that tests have. */
#ifndef SHIM_RBTREE_H
#define SHIM_RBTREE_H

#include <linux/types.h>

struct rb_node {
    struct rb_node *rb_parent, *rb_left, *rb_right;
};

struct rb_root {
    struct rb_node *rb_node;
};

#define RB_ROOT ((struct rb_root){ NULL })
#define rb_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))
#define RB_CLEAR_NODE(node) ((node)->rb_parent = (node))
#define RB_EMPTY_NODE(node) ((node)->rb_parent == (node))

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
    *node = (struct rb_node){ .rb_parent = parent };
    *link = node;
}

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
    (void)node;
    (void)root;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
    struct rb_node *node = root->rb_node;

    while (node && node->rb_left)
        node = node->rb_left;
    return node;
}

static inline void shim_rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *now)
{
    if (!old->rb_parent)
        root->rb_node = now;
    else if (old->rb_parent->rb_left == old)
        old->rb_parent->rb_left = now;
    else
        old->rb_parent->rb_right = now;
    if (now)
        now->rb_parent = old->rb_parent;
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
    struct rb_node *next;

    if (!node->rb_left || !node->rb_right) {
        shim_rb_replace(root, node, node->rb_left ? node->rb_left : node->rb_right);
        return;
    }
    /* The next larger one takes the place. */
    for (next = node->rb_right; next->rb_left; next = next->rb_left)
        ;
    if (next->rb_parent != node) {
        shim_rb_replace(root, next, next->rb_right);
        next->rb_right = node->rb_right;
        next->rb_right->rb_parent = next;
    }
    shim_rb_replace(root, node, next);
    next->rb_left = node->rb_left;
    next->rb_left->rb_parent = next;
}

#endif
